import simd from 'undici/lib/llhttp/llhttp_simd-wasm.js'
import plain from 'undici/lib/llhttp/llhttp-wasm.js'

/** What a parser tells while it runs. Positions are bytes in the piece that it was given; a number that is not 0 stops it. */
export interface ParserEvents {
  onReason(start: number, end: number): number
  onFieldName(start: number, end: number): number
  onFieldValue(start: number, end: number): number
  onHeadersComplete(status: number): number
  onBody(start: number, end: number): number
  onMessageComplete(): number
}

/** What a parser is told to do after a head, or that it has stopped for. The numbers are llhttp's. */
export const resultCode = { ok: 0, skipBody: 1, failed: 24, paused: 21, pausedForUpgrade: 22 } as const

/** The exports of the WebAssembly module that are used. */
interface LlhttpExports {
  readonly memory: WebAssembly.Memory
  readonly malloc: (bytes: number) => number
  readonly llhttp_alloc: (type: number) => number
  readonly llhttp_free: (parser: number) => void
  readonly llhttp_execute: (parser: number, data: number, bytes: number) => number
  readonly llhttp_reset: (parser: number) => void
  readonly llhttp_should_keep_alive: (parser: number) => number
  readonly llhttp_message_needs_eof: (parser: number) => number
  readonly llhttp_get_http_major: (parser: number) => number
  readonly llhttp_get_http_minor: (parser: number) => number
  readonly llhttp_get_error_pos: (parser: number) => number
  readonly llhttp_errno_name: (code: number) => number
}

/** HTTP_RESPONSE. */
const responseType = 2

/** The largest piece that is parsed at once. */
export const largestPiece = 64 * 1024

/**
 * llhttp, the parser of Node.js, as the WebAssembly module that undici carries: one instance with one input area for all
 * connections, because no two of them are parsed at a time. Strict: none of its lenient flags is ever set.
 */
class Llhttp {
  readonly #exports: LlhttpExports
  readonly #input: number
  #memory: Uint8Array
  /** Whose bytes are being parsed. */
  #current: ParserEvents | undefined

  constructor() {
    const imports: Record<string, (parser: number, a: number, b: number) => number> = {
      wasm_on_message_begin: () => 0,
      // For requests only.
      wasm_on_url: () => 0,
      wasm_on_status: (_, at, bytes) => this.#events.onReason(at - this.#input, at - this.#input + bytes),
      wasm_on_header_field: (_, at, bytes) => this.#events.onFieldName(at - this.#input, at - this.#input + bytes),
      wasm_on_header_value: (_, at, bytes) => this.#events.onFieldValue(at - this.#input, at - this.#input + bytes),
      wasm_on_headers_complete: (_, status) => this.#events.onHeadersComplete(status),
      wasm_on_body: (_, at, bytes) => this.#events.onBody(at - this.#input, at - this.#input + bytes),
      wasm_on_message_complete: () => this.#events.onMessageComplete(),
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: imports })
    this.#exports = exports as LlhttpExports
    this.#input = this.#exports.malloc(largestPiece)
    this.#memory = this.#view()
  }

  /** @returns a parser for answers, to be freed */
  alloc(): number {
    return this.#exports.llhttp_alloc(responseType)
  }

  free(parser: number): void {
    this.#exports.llhttp_free(parser)
  }

  /**
   * Parses a piece of at most `largestPiece` bytes.
   * @returns llhttp's code
   */
  execute(parser: number, piece: Uint8Array, events: ParserEvents): number {
    // More parsers may have made the memory grow, which takes the old view away.
    if (this.#memory.buffer !== this.#exports.memory.buffer) this.#memory = this.#view()
    this.#memory.set(piece)
    this.#current = events
    try {
      return this.#exports.llhttp_execute(parser, this.#input, piece.length)
    } finally {
      this.#current = undefined
    }
  }

  /** Ready for another answer, whatever came before. */
  reset(parser: number): void {
    this.#exports.llhttp_reset(parser)
  }

  /** Where in the piece it stopped. */
  stoppedAt(parser: number): number {
    return this.#exports.llhttp_get_error_pos(parser) - this.#input
  }

  /** RFC 9112 9.3. To be asked when a message is complete. */
  keepsAlive(parser: number): boolean {
    return this.#exports.llhttp_should_keep_alive(parser) !== 0
  }

  /** Whether the body goes on until the connection ends (RFC 9112 6.3, rule 8). */
  needsEnd(parser: number): boolean {
    return this.#exports.llhttp_message_needs_eof(parser) !== 0
  }

  /** Major and minor version, as in `1.1`. */
  version(parser: number): string {
    const { llhttp_get_http_major: major, llhttp_get_http_minor: minor } = this.#exports
    return `${major(parser)}.${minor(parser)}`
  }

  /** For instance `HPE_INVALID_CHUNK_SIZE`. */
  nameOf(code: number): string {
    const memory = new Uint8Array(this.#exports.memory.buffer)
    const start = this.#exports.llhttp_errno_name(code)
    return Buffer.from(memory.subarray(start, memory.indexOf(0, start))).toString('latin1')
  }

  get #events(): ParserEvents {
    if (this.#current === undefined) throw new TypeError('no piece is being parsed')
    return this.#current
  }

  #view(): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, this.#input, largestPiece)
  }
}

/** Machines without SIMD get the plain build. */
const bytes = WebAssembly.validate(simd) ? simd : plain

/** The one instance. It holds nothing between two calls but the parsers that were asked for. */
export const llhttp = new Llhttp()
