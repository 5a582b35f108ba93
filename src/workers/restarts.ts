/** A worker that has lived so long is not one that ends as soon as it starts. */
const soundMs = 30_000
const firstMs = 100
const longestMs = 10_000

/** When workers are started again: at once, and later each time if they keep ending. */
export class Restarts {
  /** By worker, how often it has ended too soon. */
  readonly #early = new Map<number, number>()

  noteEnd(worker: number, livedMs: number): void {
    this.#early.set(worker, livedMs < soundMs ? (this.#early.get(worker) ?? 0) + 1 : 1)
  }

  /** Milliseconds. */
  delayMs(worker: number): number {
    const early = this.#early.get(worker) ?? 1
    return early <= 1 ? 0 : Math.min(firstMs * 2 ** (early - 2), longestMs)
  }
}
