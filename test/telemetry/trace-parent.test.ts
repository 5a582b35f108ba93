import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { makeTraceParent, parseTraceParent, traceFields } from '../../src/telemetry/trace-parent.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

it('a traceparent is read as W3C Trace Context has it', () => {
  expect(parseTraceParent(`00-${traceId}-${spanId}-01`, 'a=1,b=2')).toEqual({ traceId, spanId, flags: 1, state: 'a=1,b=2' })
  expect(parseTraceParent(`00-${traceId}-${spanId}-ff`, undefined)).toEqual({ traceId, spanId, flags: 255, state: undefined })
})

it('a later version is read as far as it is known', () => {
  expect(parseTraceParent(`cc-${traceId}-${spanId}-00`, undefined)).toMatchObject({ traceId, spanId, flags: 0 })
  expect(parseTraceParent(`cc-${traceId}-${spanId}-00-more-of-it`, undefined)).toMatchObject({ traceId })
})

it.each([
  '',
  `00-${traceId}-${spanId}`,
  `00-${traceId}-${spanId}-1`,
  `00-${traceId}-${spanId}-01-`,
  `00-${traceId}-${spanId}-01-more`,
  `cc-${traceId}-${spanId}-01.more`,
  `ff-${traceId}-${spanId}-01`,
  `00-${'0'.repeat(32)}-${spanId}-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `0-${traceId}-${spanId}-01`,
  ` 00-${traceId}-${spanId}-01`,
  `00-${traceId}-${spanId}-01,00-${traceId}-${spanId}-01`,
  `00_${traceId}_${spanId}_01`,
])('%j is no traceparent', (value) => {
  expect(parseTraceParent(value, undefined)).toBeUndefined()
})

it('what is written is read as the same, with nothing beside it that could be another field', () => {
  const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => !/^0+$/.test(text))
  const parent = fc.record({ traceId: digits(32), spanId: digits(16), flags: fc.integer({ min: 0, max: 255 }) })
  fc.assert(
    fc.property(parent, fc.option(fc.constantFrom('a=1', 'a=1,b=2'), { nil: undefined }), (place, state) => {
      const [name, value = '', ...rest] = traceFields({ ...place, state })
      expect(name).toBe('traceparent')
      expect(rest).toEqual(state === undefined ? [] : ['tracestate', state])
      expect(parseTraceParent(value, state)).toEqual({ ...place, state })
    }),
  )
})

it('traces that are made are valid, recorded, and never the same', () => {
  const made = Array.from({ length: 100 }, makeTraceParent)
  for (const each of made) expect(parseTraceParent(traceFields(each)[1] ?? '', undefined)).toEqual(each)
  expect(made[0]?.flags).toBe(1)
  expect(new Set(made.map((each) => each.traceId)).size).toBe(100)
})
