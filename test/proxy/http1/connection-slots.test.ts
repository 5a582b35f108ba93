import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConnectionSlots } from '../../../src/proxy/upstream/http1/connection-slots.ts'

test('a slot that is given back goes to the next in line at once, and nobody can take it first', () => {
  const slots = new ConnectionSlots(1)
  const got: string[] = []
  expect([slots.tryTake(), slots.tryTake()]).toEqual([true, false])
  slots.wait(() => void got.push('first'))
  slots.wait(() => void got.push('second'))
  slots.give()
  expect([got, slots.tryTake()]).toEqual([['first'], false])
  slots.give()
  slots.give()
  expect([got, slots.tryTake(), slots.tryTake()]).toEqual([['first', 'second'], true, false])
})

test('who leaves the line is passed over; leaving later, or twice, takes nothing from anybody', () => {
  const slots = new ConnectionSlots(0)
  const got: string[] = []
  const leaveFirst = slots.wait(() => void got.push('first'))
  const leaveSecond = slots.wait(() => void got.push('second'))
  slots.wait(() => void got.push('third'))
  leaveFirst()
  leaveFirst()
  slots.give()
  leaveSecond()
  slots.give()
  expect(got).toEqual(['second', 'third'])
})

test('who gives its slot back as soon as it has it passes it on', () => {
  const slots = new ConnectionSlots(0)
  const got: number[] = []
  for (let nth = 0; nth < 1_000; nth++) {
    slots.wait(() => {
      got.push(nth)
      slots.give()
    })
  }
  slots.give()
  expect([got.length, got.at(-1), slots.tryTake(), slots.tryTake()]).toEqual([1_000, 999, true, false])
})

test('after thousands of requests that come, wait, leave and go, each slot is there once, and nobody was overtaken', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('come', 'leave', 'go'), fc.nat({ max: 50 })), { maxLength: 300 })
  const holds = fc.property(fc.integer({ min: 1, max: 5 }), steps, (count, happened) => {
    const slots = new ConnectionSlots(count)
    let has = 0
    const line: { readonly leave: () => void; readonly nth: number }[] = []
    const served: number[] = []
    for (const [index, [what, which]] of happened.entries()) {
      if (what === 'come' && slots.tryTake()) {
        expect(line.length).toBe(0)
        has++
      } else if (what === 'come') {
        const leave = slots.wait(() => {
          has++
          served.push(index)
          expect(line.shift()?.nth).toBe(index)
        })
        line.push({ leave, nth: index })
      } else if (what === 'leave') line.splice(which % (line.length + 1), 1)[0]?.leave()
      else if (has > 0) {
        has--
        slots.give()
      }
      expect(has).toBeLessThanOrEqual(count)
      expect(line.length === 0 || has === count).toBe(true)
    }
    for (const { leave } of line) leave()
    for (let given = 0; given < has; given++) slots.give()
    let free = 0
    while (slots.tryTake()) free++
    expect([free, served]).toEqual([count, served.toSorted((one, other) => one - other)])
  })
  fc.assert(holds, { numRuns: 300 })
})
