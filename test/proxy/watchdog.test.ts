import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watchdog } from '../../src/proxy/message/watchdog.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => {
  // The clock is that of the process, and must stand still before its timer is taken away.
  vi.advanceTimersByTime(200)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** The milliseconds after which it has fired, counted from now, each time. */
function fired(): { readonly at: number[]; readonly watchdog: Watchdog } {
  const startMs = performance.now()
  const at: number[] = []
  return { at, watchdog: new Watchdog(() => void at.push(performance.now() - startMs)) }
}

test.each([0, 1, 49, 50, 51, 100, 1_000, 60_000])(
  'a timeout of %i ms is never early and less than 100 ms late, whenever it is armed',
  (ms) => {
    const other = new Watchdog(() => {})
    other.arm(1_000_000)
    for (let offset = 0; offset < 50; offset += 7) {
      vi.advanceTimersByTime(7)
      const { at, watchdog } = fired()
      watchdog.arm(ms)
      vi.advanceTimersByTime(ms + 200)
      expect(at.length).toBe(1)
      expect(at[0]).toBeGreaterThanOrEqual(ms)
      expect(at[0]).toBeLessThan(ms + 100)
    }
    other.stop()
  },
)

test('one that is armed again starts over, and one that is stopped stays silent', () => {
  const { at, watchdog } = fired()
  for (let times = 0; times < 20; times++) {
    watchdog.arm(100)
    vi.advanceTimersByTime(90)
  }
  expect(at).toEqual([])
  watchdog.stop()
  watchdog.stop()
  vi.advanceTimersByTime(1_000)
  expect(at).toEqual([])
})

test('one that is armed for less than before fires earlier', () => {
  const { at, watchdog } = fired()
  watchdog.arm(10_000)
  watchdog.arm(100)
  vi.advanceTimersByTime(300)
  expect(at.length).toBe(1)
})

test('one that arms itself when it fires fires again, and each once', () => {
  const at: number[] = []
  const watchdog = new Watchdog(() => {
    at.push(performance.now())
    if (at.length < 3) watchdog.arm(100)
  })
  watchdog.arm(100)
  vi.advanceTimersByTime(1_000)
  expect(at.length).toBe(3)
})

test('when several fall due together, one of them may stop or arm the others', () => {
  const heard: string[] = []
  const late = new Watchdog(() => void heard.push('late'))
  const stopped = new Watchdog(() => void heard.push('stopped'))
  const first = new Watchdog(() => {
    heard.push('first')
    stopped.stop()
    late.arm(500)
  })
  for (const watchdog of [first, stopped, late]) watchdog.arm(100)
  vi.advanceTimersByTime(300)
  expect(heard).toEqual(['first'])
  vi.advanceTimersByTime(500)
  expect(heard).toEqual(['first', 'late'])
})

test('the clock stands still while nothing is watched, however often watchdogs come and go', () => {
  const watchdogs = Array.from({ length: 100 }, () => new Watchdog(() => {}))
  for (let times = 0; times < 100; times++) {
    for (const watchdog of watchdogs) watchdog.arm(60_000)
    expect(vi.getTimerCount()).toBe(1)
    for (const watchdog of watchdogs) watchdog.stop()
  }
  vi.advanceTimersByTime(100)
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(10_000)
  const { at, watchdog } = fired()
  watchdog.arm(100)
  vi.advanceTimersByTime(300)
  expect(at.length).toBe(1)
})

test('whatever is armed and stopped in whatever order, each fires when it is due and not otherwise', () => {
  const step = fc.record({ which: fc.nat({ max: 4 }), armMs: fc.option(fc.nat({ max: 400 })), waitMs: fc.nat({ max: 120 }) })
  const holds = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const dueMs: (number | undefined)[] = []
    const watchdogs = Array.from({ length: 5 }, (_, which) => {
      return new Watchdog(() => {
        const due = dueMs[which]
        expect(due).toBeLessThanOrEqual(performance.now())
        dueMs[which] = undefined
      })
    })
    for (const { which, armMs, waitMs } of steps) {
      dueMs[which] = armMs === null ? undefined : performance.now() + armMs
      if (armMs === null) watchdogs[which]?.stop()
      else watchdogs[which]?.arm(armMs)
      vi.advanceTimersByTime(waitMs)
      for (const due of dueMs) expect(due ?? Infinity).toBeGreaterThan(performance.now() - 100)
    }
    for (const watchdog of watchdogs) watchdog.stop()
  })
  fc.assert(holds, { numRuns: 200 })
})
