/** How old what is shared may be, in milliseconds. */
const oldestMs = 1_000

/** Renders for all who ask again and again at about the same time once, so that many open pages cost little more than one. */
export class SharedRendering {
  readonly #render: () => Promise<string>
  readonly #nowMs: () => number
  #last: { readonly startedMs: number; readonly text: Promise<string> } | undefined

  /** @param nowMs a monotonic clock */
  constructor(render: () => Promise<string>, nowMs: () => number) {
    this.#render = render
    this.#nowMs = nowMs
  }

  /** As it is now, for who asks for the first time or has changed something. */
  async fresh(): Promise<string> {
    const text = this.#render()
    const rendering = { startedMs: this.#nowMs(), text }
    this.#last = rendering
    try {
      return await text
    } catch (error) {
      if (this.#last === rendering) this.#last = undefined
      throw error
    }
  }

  /** As it is now or was a moment ago, for who looks for news. */
  async recent(): Promise<string> {
    const last = this.#last
    return last !== undefined && this.#nowMs() - last.startedMs < oldestMs ? await last.text : await this.fresh()
  }
}
