import { readBody, readFraming, readHead, SyntaxProblem } from './strict-message.ts'
import type { StrictMessage } from './strict-message.ts'

/** An answer as a strict reader understands it; answers of 1xx in front of it are left out. */
export interface StrictAnswer extends StrictMessage {
  readonly status: number
  readonly reason: string
  /** Its end is that of the connection (RFC 9112 6.3). */
  readonly isUntilClosed: boolean
  readonly problem?: string
}

/**
 * Reads one answer (RFC 9112 4, 6.3).
 * @param isClosed whether the connection has ended cleanly behind these bytes, which ends a body without a length
 * @returns undefined when its head is not there to its end. @throws SyntaxProblem
 */
export function readAnswer(text: string, method: string, isClosed: boolean, from = 0): StrictAnswer | undefined {
  let at = from
  for (;;) {
    // RFC 9112 2.2 says so of requests only; readers of answers do it as well, and nothing can hide in it.
    while (text[at] === '\r' || text[at] === '\n') at++
    const head = readHead(text, at)
    if (head === undefined) return undefined
    // Many servers forget the space in front of a reason that they do not give; it frames nothing.
    const [, version, digits, reason = ''] = /^HTTP\/(1\.[01]) ([1-5]\d\d)(?: ([^]*))?$/.exec(head.startLine) ?? []
    if (version === undefined || digits === undefined) throw new SyntaxProblem('a status line that is none (RFC 9112 4)')
    const status = Number(digits)
    if (status === 101) throw new SyntaxProblem('a change of protocol that nobody asked for (RFC 9110 15.2.2)')
    if (status < 200) {
      // RFC 9112 6.3: without a body, whatever its fields say.
      at = head.bodyAt
      continue
    }
    // Of a 1xx, which is not relayed then, it does not matter.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) throw new SyntaxProblem('a reason with a control byte (RFC 9112 4)')
    const framing = readFraming(head, version)
    const hasNone = method === 'HEAD' || status === 204 || status === 304
    const isUntilClosed = !hasNone && framing === undefined
    const body = readBody(text, head.bodyAt, hasNone ? 0 : (framing ?? 'until closed'))
    return { status, reason, isUntilClosed, ...head, ...body, isWhole: body.isWhole || (isUntilClosed && isClosed) }
  }
}
