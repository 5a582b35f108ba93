import { longestTimerMs } from '../config/quantities.ts'

/** Time, as an argument: tests bring their own. */
export interface Clock {
  /** Milliseconds that only go forward and do not jump when the machine's date is set: tokens expire by this. */
  nowMs(): number
  /** Milliseconds since the epoch, for what people and metrics see. */
  epochMs(): number
  /** Runs something later, once; does not keep the process alive. @returns a function that calls it off */
  after(delayMs: number, run: () => void): () => void
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  after: (delayMs, run) => {
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number): void => {
      // Rounded up: the platform cuts fractions off, and a timer that fires early finds that it is not yet time.
      const stepMs = Math.min(Math.ceil(Math.max(remainingMs, 0)), longestTimerMs)
      timer = setTimeout(() => (remainingMs > stepMs ? arm(remainingMs - stepMs) : run()), stepMs).unref()
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}
