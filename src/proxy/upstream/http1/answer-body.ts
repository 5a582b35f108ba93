/** Takes the body of an answer as it comes in. Is told of one end, and of nothing after it. */
export interface AnswerSink {
  /** @returns false when it wants a pause until `resume` is called */
  write(piece: Buffer): boolean
  /** Everything has come in. */
  end(): void
  /** The body was cut: what came before is all there is. */
  fail(): void
}

/** Where a body comes from: its connection. */
export interface BodySource {
  pause(): void
  resume(): void
  /** Ends the connection. */
  destroy(): void
}

/** So much is held before the upstream is paused, while nobody takes the body. */
const mostHeldBytes = 64 * 1024
/** So many pieces are joined to one, so that a body of single bytes does not cost a hundred times its size. */
const mostPieces = 256

const noFields: readonly string[] = []

/**
 * The body of an answer. It waits, at most one read of it in memory, until somebody takes it. Not a stream of the platform, which
 * would cost a small answer more than everything else about it.
 */
export class AnswerBody {
  /** Undefined once everything has come in, or will not: the connection may serve somebody else by then. */
  #source: BodySource | undefined
  #sink: AnswerSink | undefined
  #held: Buffer[] = []
  #bytes = 0
  #isPaused = false
  #state: 'open' | 'complete' | 'broken' = 'open'
  #trailers = noFields
  #error: Error | undefined

  constructor(source: BodySource) {
    this.#source = source
  }

  /** Whether everything has come in, taken or not. */
  get isComplete(): boolean {
    return this.#state === 'complete'
  }

  /** Whether it was cut. */
  get isBroken(): boolean {
    return this.#state === 'broken'
  }

  /** Why it was cut, where that is known. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Name, value, name, value, ...; there once everything has come in. */
  get trailers(): readonly string[] {
    return this.#trailers
  }

  /** Bytes that wait to be taken. */
  get heldBytes(): number {
    return this.#bytes
  }

  /** Takes what is held. */
  take(): Buffer {
    const [first, ...others] = this.#held
    const taken = first !== undefined && others.length === 0 ? first : Buffer.concat(this.#held)
    this.#held = []
    this.#bytes = 0
    return taken
  }

  /** Puts back what was taken, in front of what is held. */
  putBack(piece: Buffer): void {
    if (piece.length === 0) return
    this.#held.unshift(piece)
    this.#bytes += piece.length
  }

  /** Has the body flow, what is held first. The end, too, is told here, where it has come before. */
  flowTo(sink: AnswerSink): void {
    this.#sink = sink
    this.resume()
  }

  /** Stops the flow; what comes from now on is held. */
  hold(): void {
    this.#sink = undefined
  }

  /** Goes on after a sink wanted a pause. */
  resume(): void {
    const sink = this.#sink
    if (sink === undefined) return
    this.#isPaused = false
    while (this.#held.length > 0) {
      if (!sink.write(this.take())) {
        this.#isPaused = true
        return
      }
      // The sink may have had enough.
      if (this.#sink !== sink) return
    }
    if (this.#state === 'open') this.#source?.resume()
    else this.#tellEnd(sink)
  }

  /** Nobody wants the rest; what it would have come on is ended. */
  destroy(): void {
    this.#sink = undefined
    this.#held = []
    this.#bytes = 0
    const source = this.#source
    this.#source = undefined
    if (this.#state === 'open') this.#state = 'broken'
    source?.destroy()
  }

  /** For the connection: more of it. */
  push(piece: Buffer): void {
    if (this.#sink !== undefined && !this.#isPaused) {
      if (this.#sink.write(piece)) return
      this.#isPaused = true
      this.#source?.pause()
      return
    }
    this.#held.push(piece)
    this.#bytes += piece.length
    if (this.#held.length === mostPieces) this.#held = [Buffer.concat(this.#held)]
    if (this.#isPaused || this.#bytes >= mostHeldBytes) this.#source?.pause()
  }

  /** For the connection: that was all. */
  finish(trailers: readonly string[]): void {
    this.#settle('complete')
    this.#trailers = trailers
    if (this.#sink !== undefined && this.#held.length === 0) this.#tellEnd(this.#sink)
  }

  /** For the connection: there will be no more. @param error why, where it is known */
  fail(error: Error | undefined): void {
    this.#settle('broken')
    this.#error = error
    if (this.#sink !== undefined) this.#tellEnd(this.#sink)
  }

  #settle(state: 'complete' | 'broken'): void {
    this.#state = state
    this.#source = undefined
  }

  #tellEnd(sink: AnswerSink): void {
    this.#sink = undefined
    if (this.#state === 'complete') sink.end()
    else sink.fail()
  }
}
