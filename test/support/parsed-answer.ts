import { onTestFinished, vi } from 'vitest'
import { findInvalid } from '../../src/proxy/upstream/http1/answer-head.ts'
import type { AnswerHead } from '../../src/proxy/upstream/http1/answer-head.ts'
import { AnswerParser } from '../../src/proxy/upstream/http1/answer-parser.ts'
import { llhttp } from '../../src/proxy/upstream/http1/llhttp.ts'

/** What the client makes of the bytes that an upstream sends. Texts are latin1, one character per byte. */
export interface ParsedAnswer {
  /** `whole`, `more` where its end is missing, or what is wrong with it. */
  readonly outcome: string
  /** Statuses of interim answers. */
  readonly interim: readonly number[]
  readonly head: AnswerHead | undefined
  readonly body: string
  readonly trailers: readonly string[]
  /** Whether another request may follow on the connection. */
  readonly keepsAlive: boolean
  /** What stands behind it. */
  readonly rest: string
}

/** How an answer arrives. */
export interface Arrival {
  readonly method?: string
  /** Where the bytes are cut into pieces. */
  readonly cuts?: readonly number[]
  /** Whether the connection ends behind them. */
  readonly isClosed?: boolean
}

/** Parses an answer, and judges its head as a connection does. */
export function parseAnswer(text: string, { method = 'GET', cuts = [], isClosed = false }: Arrival = {}): ParsedAnswer {
  let invalid: string | undefined
  let outcome = 'more'
  let head: AnswerHead | undefined
  let body = ''
  let trailers: readonly string[] = []
  let keepsAlive = false
  const interim: number[] = []
  const parser = new AnswerParser({
    onHead: (received, framing) => {
      if (received.status >= 100 && received.status < 200 && received.status !== 101) {
        interim.push(received.status)
        return 'no_body'
      }
      head = received
      invalid = findInvalid(received, framing, false)
      if (invalid !== undefined) return 'stop'
      return method === 'HEAD' ? 'no_body' : 'body'
    },
    onBody: (piece) => void (body += piece.toString('latin1')),
    onEnd: (...end) => {
      outcome = 'whole'
      trailers = end[0]
      keepsAlive = end[1]
    },
  })
  let rest = ''
  const bytes = Buffer.from(text, 'latin1')
  const ends = [...new Set(cuts)].filter((cut) => cut > 0 && cut < bytes.length).toSorted((one, other) => one - other)
  let at = 0
  for (const end of [...ends, bytes.length]) {
    // As it is on a connection: what has been parsed is overwritten.
    const piece = Buffer.from(bytes.subarray(at, end))
    const stop = parser.read(piece)
    if (stop !== undefined) {
      if ('malformed' in stop) outcome = stop.malformed
      else rest = stop.rest.toString('latin1') + text.slice(end)
      break
    }
    piece.fill(0)
    at = end
  }
  if (outcome === 'more' && invalid === undefined && isClosed) parser.finish()
  parser.free()
  return { outcome: invalid ?? outcome, interim, head, body, trailers, keepsAlive, rest }
}

/**
 * Watches the parsers of llhttp until the test ends.
 * @returns those that have not been freed, and each use of one that has been
 */
export function watchParsers(): { readonly live: ReadonlySet<number>; readonly misuses: readonly string[] } {
  const live = new Set<number>()
  const misuses: string[] = []
  const original = { alloc: llhttp.alloc.bind(llhttp), free: llhttp.free.bind(llhttp) }
  const spies = [
    vi.spyOn(llhttp, 'alloc').mockImplementation(() => {
      const parser = original.alloc()
      live.add(parser)
      return parser
    }),
    vi.spyOn(llhttp, 'free').mockImplementation((parser) => {
      if (live.delete(parser)) original.free(parser)
      else misuses.push('free')
    }),
    ...(['execute', 'reset', 'stoppedAt', 'keepsAlive', 'needsEnd', 'version'] as const).map((method) => {
      const call = llhttp[method].bind(llhttp) as (...values: readonly unknown[]) => never
      return vi.spyOn(llhttp, method).mockImplementation((parser: number, ...values: readonly unknown[]) => {
        if (!live.has(parser)) misuses.push(method)
        return call(parser, ...values)
      })
    }),
  ]
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
  })
  return { live, misuses }
}
