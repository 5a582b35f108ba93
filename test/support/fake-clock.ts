import type { Clock } from '../../src/tokens/clock.ts'

/** A clock that stands still until it is told to move; timers fire in order on the way. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000
  #epochOffsetMs = Date.UTC(2026, 0, 1)
  readonly #timers = new Set<{ readonly atMs: number; readonly run: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  epochMs(): number {
    return this.#epochOffsetMs + this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(delayMs, 0), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Moves on, firing what falls due, and lets promises settle before and after each step. */
  async advance(ms: number): Promise<void> {
    await settled()
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.run()
      await settled()
    }
    this.#nowMs = endMs
    await settled()
  }

  /** Somebody sets the machine's date. */
  setDateForward(ms: number): void {
    this.#epochOffsetMs += ms
  }

  get pendingTimers(): number {
    return this.#timers.size
  }
}

/** Lets everything that is already decided happen. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve()
}
