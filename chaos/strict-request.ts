import { fieldValues, readBody, readFraming, readHead, SyntaxProblem } from './strict-message.ts'
import type { StrictMessage } from './strict-message.ts'

/** A request as a strict reader understands it. */
export interface StrictRequest extends StrictMessage {
  readonly method: string
  readonly target: string
  readonly version: string
}

/** What a stream of bytes from a caller holds. */
export interface StrictRequests {
  /** In order; only the last may be unfinished. */
  readonly requests: readonly StrictRequest[]
  /** Why what follows is no request; undefined when there is nothing, or nothing unfinished, behind. */
  readonly problem: string | undefined
  /** Where reading stopped. */
  readonly endAt: number
}

/** Reads requests one after the other (RFC 9112 3), until one ends the connection, is unfinished, or is none. */
export function readRequests(text: string, from = 0): StrictRequests {
  const requests: StrictRequest[] = []
  let at = from
  for (;;) {
    // RFC 9112 2.2: empty lines in front of a request are ignored; also those of senders that have their own idea of a line break.
    while (text[at] === '\r' || text[at] === '\n') at++
    if (at >= text.length) return { requests, problem: undefined, endAt: at }
    let request
    try {
      request = readRequest(text, at)
    } catch (error) {
      if (error instanceof SyntaxProblem) return { requests, problem: error.message, endAt: at }
      throw error
    }
    if (request === undefined) return { requests, problem: undefined, endAt: at }
    requests.push(request)
    at = request.endAt
    if (!request.isWhole || request.problem !== undefined) return { requests, problem: request.problem, endAt: at }
    if (endsConnection(request)) return { requests, problem: undefined, endAt: at }
  }
}

function readRequest(text: string, from: number): (StrictRequest & { readonly problem?: string }) | undefined {
  const head = readHead(text, from)
  if (head === undefined) return undefined
  // Origin-form, absolute-form, asterisk; never a fragment (RFC 9112 3.2). More than one space may stand between (RFC 9112 3).
  const line = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +(\/[\x21\x22\x24-\x7e]*|https?:\/\/[\x21\x22\x24-\x7e]+|\*) +HTTP\/(1\.[01])$/i
  const [, method, target, version] = line.exec(head.startLine) ?? []
  if (method === undefined || target === undefined || version === undefined) {
    throw new SyntaxProblem('a request line that is none (RFC 9112 3)')
  }
  if (!head.startLine.includes(' HTTP/')) throw new SyntaxProblem('a version in lower case (RFC 9112 2.3)')
  const hosts = fieldValues(head, 'host')
  if (hosts.length > 1 || (hosts.length === 0 && version === '1.1')) throw new SyntaxProblem('not one Host (RFC 9112 3.2)')
  const framing = readFraming(head, version) ?? 0
  return { method, target, version, ...head, ...readBody(text, head.bodyAt, framing) }
}

function endsConnection(request: StrictRequest): boolean {
  const options = fieldValues(request, 'connection').join(',').toLowerCase()
  return /(^|[\s,])close($|[\s,])/.test(options) || (request.version === '1.0' && !options.includes('keep-alive'))
}
