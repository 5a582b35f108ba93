import { onTestFinished, vi } from 'vitest'
import { Watchdog } from '../../src/proxy/message/watchdog.ts'

/**
 * Has timers go off earlier until the test ends, for limits that nobody can configure. A timer is known by its time alone: one whose limit has
 * been changed is waited for in full, and then the test fails that says how long it may take.
 * @param times what a timer waits in earnest, and what it waits now, in milliseconds
 */
export function hasten(times: Readonly<Record<number, number>>): void {
  const { setTimeout: timeout, setInterval: interval } = globalThis
  const { value: arm } = Object.getOwnPropertyDescriptor(Watchdog.prototype, 'arm') as { value: Watchdog['arm'] }
  const sooner = (ms = 0): number => times[ms] ?? ms
  const spies = [
    vi
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation(((run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
        timeout(run, sooner(ms), ...args)) as typeof setTimeout),
    vi
      .spyOn(globalThis, 'setInterval')
      .mockImplementation(((run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
        interval(run, sooner(ms), ...args)) as typeof setInterval),
    vi.spyOn(Watchdog.prototype, 'arm').mockImplementation(function (this: Watchdog, ms: number) {
      arm.call(this, sooner(ms))
    }),
  ]
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
  })
}
