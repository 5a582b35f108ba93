import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { AccessLog } from '../../src/telemetry/access-log.ts'
import type { AccessRecord } from '../../src/telemetry/access-log.ts'
import { createLog } from '../../src/telemetry/log.ts'

/** Whatever a caller, a configuration or the parser may let through. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('', '"', '\\', '\n', '\r\n{"level":"error"}', '\u2028', '\ud800', '","status":200,"x":"', '__proto__', '/\0'),
)
const perhaps = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(value, { nil: undefined })
const milliseconds = fc.integer({ min: 0, max: 1e10 }).map((hundredths) => hundredths / 100)
const status = fc.integer({ min: 100, max: 999 })

const record: fc.Arbitrary<AccessRecord> = fc.record({
  request_id: fc.uuid(),
  trace_id: perhaps(fc.stringMatching(/^[0-9a-f]{32}$/)),
  caller: perhaps(text),
  route: perhaps(text),
  method: text,
  path: text,
  query: perhaps(text),
  status,
  duration_ms: milliseconds,
  token: fc.constantFrom('hit', 'wait', 'none'),
  replay: perhaps(fc.constantFrom('accepted', 'refused')),
  upstream: perhaps(text),
  upstream_status: perhaps(status),
  upstream_ms: perhaps(milliseconds),
  error: perhaps(fc.constantFrom('upstream_reset', 'internal_error')),
})

test('every line of the access log is one line of JSON that says what its record says', () => {
  const written: string[] = []
  const log = createLog({ write: (line: string) => void written.push(line) }).child({ worker: 3 })
  const accessLog = new AccessLog(log)
  fc.assert(
    fc.property(record, (told) => {
      written.length = 0
      accessLog.write(told)
      const [line = ''] = written
      expect(written).toHaveLength(1)
      expect(line.indexOf('\n')).toBe(line.length - 1)
      const { time, ...said } = JSON.parse(line) as Record<string, unknown>
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      const defined = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
      expect(said).toEqual({ level: 'info', worker: 3, ...defined, message: 'request' })
      // In the order of the log's own lines: level and time first, what happened last.
      expect(line).toMatch(/^\{"level":"info","time":"[^"]+","worker":3,"request_id":.*,"message":"request"\}\n$/s)
    }),
    { numRuns: 1_000 },
  )
})
