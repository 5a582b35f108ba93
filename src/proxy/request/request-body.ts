import type { IncomingMessage } from 'node:http'
import type { ReplayCopy } from '../replay/replay-copy.ts'
import { Watchdog } from '../message/watchdog.ts'

/** Where a body goes: an attempt at the upstream. */
export interface BodySink {
  /** @returns false when the sink wants a pause until it calls `onDrain` */
  write(chunk: Buffer): boolean
  onDrain: (() => void) | undefined
  end(): void
}

/** What a caller's body may take up. */
export interface BodyLimits {
  /** Milliseconds between two pieces. */
  readonly idleMs: number
  readonly maxBytes: number | undefined
}

/** Why a body did not come to its end: the caller left or sent nonsense, took too long, or sent too much. */
export type BodyFailure = 'aborted' | 'idle' | 'too_large'

/** Whether a body can be sent from its first byte on: it can, it is too large for the copy, or it did not come to its end. */
export type Wholeness = 'whole' | 'too_large' | 'incomplete'

/**
 * The body of a caller's request on its way to the upstream: streams with backpressure, keeps a copy for the replay while there
 * is room, and can be attached to a second attempt, which then gets every byte from the first on.
 */
export class RequestBody {
  readonly #request: IncomingMessage
  readonly #copy: ReplayCopy | undefined
  readonly #limits: BodyLimits
  readonly #watchdog: Watchdog
  #sink: BodySink | undefined
  #isStarted = false
  #isComplete: boolean
  #isReleased = false
  #failure: BodyFailure | undefined
  #bytes = 0
  readonly #waiters: ((wholeness: Wholeness) => void)[] = []
  /** Called once when the body fails. */
  onFailure: ((failure: BodyFailure) => void) | undefined
  /** Called before the first byte is read: the caller may be waiting for 100 (RFC 9110 10.1.1). */
  onWanted: (() => void) | undefined

  /**
   * @param length announced bytes; 0 when there is no body, undefined when it is chunked
   * @param copy where to keep a copy; undefined when no replay is wanted
   */
  constructor(request: IncomingMessage, length: number | undefined, copy: ReplayCopy | undefined, limits: BodyLimits) {
    this.#request = request
    this.#copy = copy
    this.#limits = limits
    this.#isComplete = length === 0
    this.#watchdog = new Watchdog(() => this.#fail('idle'))
    if (length === 0) return
    request.on('error', () => this.#fail('aborted'))
    request.on('close', () => {
      if (!this.#isComplete) this.#fail('aborted')
    })
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether a copy of it is kept, as far as there is room. */
  get isCopied(): boolean {
    return this.#copy !== undefined
  }

  /** Whether nothing was read yet, or everything that was read can be sent again. */
  get canStartOver(): boolean {
    return !this.#isStarted || this.#bytes === 0 || this.#copy?.isWhole === true
  }

  /** Sends the body to an attempt: what was read before from the copy, the rest as it comes. Needs `canStartOver`. */
  attach(sink: BodySink): void {
    if (this.#isStarted) for (const piece of this.#copy?.pieces() ?? []) sink.write(piece)
    this.#sink = sink
    sink.onDrain = () => {
      if (this.#sink === sink) this.#read()
    }
    if (this.#isComplete) {
      sink.end()
      return
    }
    if (!this.#isStarted) this.#start()
    this.#read()
  }

  /** Stops sending. The caller's bytes wait until `whole` or `attach` says what becomes of them. */
  detach(): void {
    this.#sink = undefined
    this.#watchdog.stop()
    if (!this.#isComplete) this.#request.pause()
  }

  /**
   * Makes sure that the body can be sent from its first byte: reads the rest into the copy, if anything was read before.
   */
  whole(): Promise<Wholeness> {
    if (this.#isComplete || !this.#isStarted || !this.canStartOver)
      return Promise.resolve(this.canStartOver ? 'whole' : 'too_large')
    if (this.#failure !== undefined) return Promise.resolve('incomplete')
    // Every byte is still with the caller.
    if (this.#bytes === 0) return Promise.resolve('whole')
    // Without a copy there is nothing to read the rest into.
    if (this.#copy?.isWhole !== true) return Promise.resolve('too_large')
    this.#read()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** Frees what the body holds and reads no further; the exchange is over. */
  release(): void {
    this.#isReleased = true
    this.#sink = undefined
    this.#watchdog.stop()
    this.#copy?.drop()
  }

  #start(): void {
    this.#isStarted = true
    this.onWanted?.()
    this.#request.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#request.on('end', () => this.#finish())
  }

  #read(): void {
    if (this.#isComplete || this.#failure !== undefined) return
    this.#watchdog.arm(this.#limits.idleMs)
    this.#request.resume()
  }

  #take(chunk: Buffer): void {
    if (this.#isReleased) return
    this.#bytes += chunk.length
    if (this.#limits.maxBytes !== undefined && this.#bytes > this.#limits.maxBytes) {
      this.#fail('too_large')
      return
    }
    this.#copy?.add(chunk)
    if (this.#copy?.isWhole !== true) this.#settle('too_large')
    if (this.#sink?.write(chunk) === false) {
      // The upstream is slow, not the caller.
      this.#watchdog.stop()
      this.#request.pause()
    } else {
      this.#watchdog.arm(this.#limits.idleMs)
    }
  }

  #finish(): void {
    // `end` also comes when the connection was cut; only `complete` says that the framing was satisfied.
    if (!this.#request.complete || this.#failure !== undefined) return
    this.#isComplete = true
    this.#watchdog.stop()
    this.#settle(this.canStartOver ? 'whole' : 'too_large')
    this.#sink?.end()
  }

  #fail(failure: BodyFailure): void {
    if (this.#failure !== undefined || this.#isComplete || this.#isReleased) return
    this.#failure = failure
    this.#watchdog.stop()
    this.#settle('incomplete')
    this.onFailure?.(failure)
  }

  #settle(wholeness: Wholeness): void {
    for (const resolve of this.#waiters.splice(0)) resolve(wholeness)
  }
}
