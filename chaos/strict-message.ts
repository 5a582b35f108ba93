/**
 * A reader of HTTP/1.1 as strict as RFC 9112 allows, written for the chaos run and sharing nothing with the gateway: it says
 * which messages a stream of bytes holds, and what it makes of the rest. Texts are latin1, one character per byte.
 */

/** A message with a valid head. */
export interface StrictMessage {
  /** Without its line break. */
  readonly startLine: string
  /** Name, value; values without the white space around them. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** What there is of it. */
  readonly body: string
  /** Whether the message is there to its last byte. */
  readonly isWhole: boolean
  /** Where the next message begins. */
  readonly endAt: number
}

/** Why bytes are no message. */
export class SyntaxProblem extends Error {
  override name = 'SyntaxProblem' as const
}

/** How the body of a message ends: after so many bytes, by chunks, or with the connection. */
export type Framing = number | 'chunked' | 'until closed'

/** Head of a message: everything up to its empty line. */
export interface StrictHead {
  readonly startLine: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly bodyAt: number
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** Reads a head (RFC 9112 2.1, 5). @returns undefined when it is not there to its end yet. @throws SyntaxProblem */
export function readHead(text: string, from: number): StrictHead | undefined {
  const end = text.indexOf('\r\n\r\n', from)
  const lines = text.slice(from, end < 0 ? undefined : end).split('\r\n')
  if (end < 0) {
    // The last line may be cut anywhere, also within its line break.
    lines.pop()
    for (const line of lines) if (/[\r\n\0]/.test(line)) throw new SyntaxProblem('a line break that is none (RFC 9112 2.2)')
    return undefined
  }
  const [startLine = '', ...fieldLines] = lines
  if (/[\r\n]/.test(startLine)) throw new SyntaxProblem('a line break within the start line (RFC 9112 2.2)')
  const fields = fieldLines.map(readField)
  return { startLine, fields, bodyAt: end + 4 }
}

function readField(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(colon, 0))
  if (!token.test(name)) throw new SyntaxProblem('a field name that is none (RFC 9112 5)')
  const value = line.slice(colon + 1)
  if (!fieldValue.test(value)) throw new SyntaxProblem('a field value with a control byte (RFC 9110 5.5)')
  return [name, value.replace(/^[ \t]+|[ \t]+$/g, '')]
}

/** All values of a field. @param name in lower case */
export function fieldValues({ fields }: Pick<StrictHead, 'fields'>, name: string): string[] {
  return fields.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value)
}

/**
 * What the fields say of the body (RFC 9112 6), where only a single `chunked` or a single length is understood.
 * @returns undefined when they say nothing. @throws SyntaxProblem
 */
export function readFraming(head: StrictHead, version: string): number | 'chunked' | undefined {
  const codings = fieldValues(head, 'transfer-encoding')
  const lengths = fieldValues(head, 'content-length')
  if (codings.length > 0) {
    if (lengths.length > 0) throw new SyntaxProblem('a length and a coding (RFC 9112 6.1)')
    if (version === '1.0') throw new SyntaxProblem('a coding in HTTP/1.0 (RFC 9112 6.1)')
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') throw new SyntaxProblem('a coding that is not chunked')
    return 'chunked'
  }
  if (lengths.length === 0) return undefined
  if (lengths.length > 1 || !/^\d{1,19}$/.test(lengths[0] ?? '')) throw new SyntaxProblem('lengths that are none (RFC 9112 6.3)')
  return Number(lengths[0])
}

/** A body as far as it is there. */
export interface StrictBody {
  readonly body: string
  readonly isWhole: boolean
  readonly endAt: number
  /** Why nothing of what follows can be trusted. */
  readonly problem?: string
}

/** Reads a body (RFC 9112 6.2, 7.1). Never throws: what is there before nonsense is there. */
export function readBody(text: string, from: number, framing: Framing): StrictBody {
  if (framing === 'chunked') return readChunks(text, from)
  if (framing === 'until closed') return { body: text.slice(from), isWhole: false, endAt: text.length }
  const body = text.slice(from, from + framing)
  return { body, isWhole: body.length === framing, endAt: from + body.length }
}

function readChunks(text: string, from: number): StrictBody {
  let body = ''
  let at = from
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return { body, isWhole: false, endAt: at }
    const line = text.slice(at, lineEnd)
    // RFC 9112 7.1.1: extensions are ignored, whatever visible they hold.
    const size = /^([0-9a-fA-F]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line)?.[1]
    if (size === undefined) return { body, isWhole: false, endAt: at, problem: 'a chunk size that is none (RFC 9112 7.1)' }
    const length = Number.parseInt(size, 16)
    const dataAt = lineEnd + 2
    if (length === 0) return readTrailers(text, dataAt, body)
    body += text.slice(dataAt, dataAt + length)
    const after = text.slice(dataAt + length, dataAt + length + 2)
    if (!'\r\n'.startsWith(after)) return { body, isWhole: false, endAt: at, problem: 'a chunk longer than its size' }
    if (after.length < 2) return { body, isWhole: false, endAt: at }
    at = dataAt + length + 2
  }
}

function readTrailers(text: string, from: number, body: string): StrictBody {
  let at = from
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return { body, isWhole: false, endAt: at }
    const line = text.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { body, isWhole: true, endAt: at }
    try {
      readField(line)
    } catch {
      return { body, isWhole: false, endAt: at, problem: 'a trailer field that is none (RFC 9112 7.1.2)' }
    }
  }
}
