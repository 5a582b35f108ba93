import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/tokens/clock.ts'

const longest = 2 ** 31 - 1
const day = 86_400_000

describe('systemClock.after', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  test.each([0, 1, 1_000, longest - 1, longest, longest + 1, 30 * day, 2 * longest, 2 * longest + 1, 90 * day])(
    'runs once, after %i ms and not before',
    (delayMs) => {
      const run = vi.fn<() => void>()
      systemClock.after(delayMs, run)
      if (delayMs > 0) {
        vi.advanceTimersByTime(delayMs - 1)
        expect(run).not.toHaveBeenCalled()
        vi.advanceTimersByTime(1)
      } else {
        vi.advanceTimersByTime(1)
      }
      expect(run).toHaveBeenCalledTimes(1)
      vi.advanceTimersByTime(100 * day)
      expect(run).toHaveBeenCalledTimes(1)
      expect(vi.getTimerCount()).toBe(0)
    },
  )

  test.each([5, 10 * day, 30 * day, 60 * day])('can be called off after %i ms', (passedMs) => {
    const run = vi.fn<() => void>()
    const cancel = systemClock.after(90 * day, run)
    vi.advanceTimersByTime(passedMs)
    cancel()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(100 * day)
    expect(run).not.toHaveBeenCalled()
  })

  test.each([-1, -1e12])('a time that is past runs at once: %d', (delayMs) => {
    const run = vi.fn<() => void>()
    systemClock.after(delayMs, run)
    vi.advanceTimersByTime(1)
    expect(run).toHaveBeenCalledTimes(1)
  })
})

test('warns of no overflow with real timers', async () => {
  const warnings: string[] = []
  const note = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', note)
  const cancel = systemClock.after(90 * day, () => {})
  await new Promise((resolve) => setImmediate(resolve))
  cancel()
  process.off('warning', note)
  expect(warnings).toEqual([])
})

test('tells tokens a time that the date of the machine does not move', () => {
  const before = systemClock.nowMs()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
  const passedMs = systemClock.nowMs() - before
  vi.useRealTimers()
  expect(passedMs).toBeGreaterThanOrEqual(0)
  expect(passedMs).toBeLessThan(60_000)
})
