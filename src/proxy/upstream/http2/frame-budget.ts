/** So many frames that bring nothing are taken at once, and so many are saved up. */
const start = 1_000
const most = 4_000

/** What a request earns: it may be reset, and what was on its way then comes in for nobody. */
const perRequest = 100

/** What a frame of a body that we sent earns: windows are opened for it, some of them in small steps. */
const perDataFrame = 8

/** What time earns: pings of a connection that does nothing else. */
const perSecond = 10

/**
 * How many frames an upstream may still send that bring nothing: PING, SETTINGS, PRIORITY, RST_STREAM, WINDOW_UPDATE, empty DATA,
 * interim answers, what is for streams that are over, and what nobody knows (CVE-2019-9512 to 9518). Each costs us little, but there
 * is no end to them.
 */
export class FrameBudget {
  readonly #now: () => number
  #left = start
  #atMs: number

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now
    this.#atMs = now()
  }

  onRequest(): void {
    this.#earn(perRequest)
  }

  onDataSent(): void {
    this.#earn(perDataFrame)
  }

  /** One of them has come. @returns false when it is one too many */
  spend(): boolean {
    if (this.#left < 1) {
      const nowMs = this.#now()
      this.#earn(((nowMs - this.#atMs) / 1_000) * perSecond)
      this.#atMs = nowMs
    }
    this.#left--
    return this.#left >= 0
  }

  #earn(frames: number): void {
    this.#left = Math.min(this.#left + frames, most)
  }
}
