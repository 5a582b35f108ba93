import { STATUS_CODES } from 'node:http'
import type { AnswerHead } from '../http1/answer-head.ts'

/** What is wrong with some fields, for people; holds nothing that was received. */
export interface Malformed {
  readonly malformed: string
}

/**
 * Makes a head of the fields of an answer (RFC 9113 8.3.2), or says what is wrong with them (8.1.1).
 * @param fields name, value, name, value, ... as decoded
 */
export function answerHead(fields: readonly string[]): AnswerHead | Malformed {
  if (fields[0] !== ':status') return { malformed: 'it does not begin with a status' }
  const status = fields[1] as string
  // RFC 9110 15: three digits, of which the first is 1 to 5.
  if (!/^[1-5]\d\d$/.test(status)) return { malformed: 'its status is none' }
  // RFC 9113 8.6.
  if (status === '101') return { malformed: 'it switches protocols, which HTTP/2 does not' }
  const rest = fields.slice(2)
  const malformed = malformedFields(rest)
  if (malformed !== undefined) return { malformed }
  // HTTP/2 has no reason (RFC 9113 8.3.2), and there are callers that choke on an empty one.
  return { status: Number(status), reason: STATUS_CODES[status] ?? '', version: '2', fields: rest }
}

/**
 * What is wrong with fields behind the status, or with trailers.
 * @returns undefined when nothing is
 */
export function malformedFields(fields: readonly string[]): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    // RFC 9113 8.2.1, 8.3: a pseudo-field has its place in front, and there is only one in an answer.
    if (!nameSyntax.test(name)) return name.startsWith(':') ? 'it has a pseudo-field too many' : 'the name of a field is none'
    if (forbiddenInValue.test(value)) return 'the value of a field is none'
    // RFC 9113 8.2.2.
    if (ofConnection.has(name)) return `it has the field ${name}`
  }
  return undefined
}

/** RFC 9110 5.6.2, in lower case. */
const nameSyntax = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
/** RFC 9113 8.2.1: control bytes, and white space around it. */
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]|^[ \t]|[ \t]$/

const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
])

/**
 * Bytes of the body, as the fields say (RFC 9110 8.6).
 * @returns undefined when they do not say
 */
export function announcedLength(fields: readonly string[]): number | undefined | Malformed {
  let length: number | undefined
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== 'content-length') continue
    const value = fields[index + 1] as string
    if (length !== undefined || !/^\d{1,15}$/.test(value)) return { malformed: 'its Content-Length is none' }
    length = Number(value)
  }
  return length
}
