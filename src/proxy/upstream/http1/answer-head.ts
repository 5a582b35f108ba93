import { trimOws } from '../../message/fields.ts'

/** The head of an answer as parsed, before anybody has judged it. */
export interface AnswerHead {
  readonly status: number
  readonly reason: string
  /** For instance `1.1`. */
  readonly version: string
  /** Name, value, name, value, ... as received, without the white space around values (RFC 9112 5.1). */
  readonly fields: readonly string[]
}

/** What the fields of an answer say about the connection. */
export interface AnswerFraming {
  /** Bytes of the body; undefined when Content-Length does not say. Lists and repetitions do not pass the parser. */
  readonly contentLength: number | undefined
  /** Values of the Transfer-Encoding fields. */
  readonly codings: readonly string[]
  /** Seconds that the upstream keeps an idle connection, by its Keep-Alive field; undefined when it does not say. */
  readonly keepAliveS: number | undefined
}

const none: readonly string[] = []

/** Reads what concerns framing and connection, in one pass. */
export function framingOf({ fields }: AnswerHead): AnswerFraming {
  let contentLength: number | undefined
  let keepAliveS: number | undefined
  let codings = none
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    // Most names differ in their length already.
    if (name.length === 14 && name.toLowerCase() === 'content-length') contentLength = Number(value)
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') codings = [...codings, value]
    else if (name.length === 10 && name.toLowerCase() === 'keep-alive') keepAliveS = timeoutOf(value) ?? keepAliveS
  }
  return { contentLength, codings, keepAliveS }
}

/** RFC 2068 19.7.1.1; nothing newer says it. */
function timeoutOf(value: string): number | undefined {
  const [, seconds] = /\btimeout\s*=\s*"?(\d{1,9})/i.exec(value) ?? []
  return seconds === undefined ? undefined : Number(seconds)
}

/**
 * Finds what HTTP forbids in the head of a final answer, or of a 101, and the parser lets through.
 * @param isUpgrade whether a 101 was asked for
 * @returns what is wrong, or undefined
 */
export function findInvalid(
  { status, reason, version }: AnswerHead,
  { codings }: AnswerFraming,
  isUpgrade: boolean,
): string | undefined {
  if (version !== '1.1' && version !== '1.0') return `it says it is HTTP/${version}`
  // RFC 9110 15: three digits, of which the first is 1 to 5.
  if (status < 100 || status > 599) return `its status is ${status}`
  // RFC 9110 7.8: nobody knows what the connection speaks from here on.
  if (status === 101 && !isUpgrade) return 'it is an upgrade that nobody asked for'
  // RFC 9112 4.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) return 'its reason phrase holds a control byte'
  if (codings.length === 0) return undefined
  // RFC 9112 6.1: a coding in HTTP/1.0 makes the framing faulty.
  if (version === '1.0') return 'it has a Transfer-Encoding in HTTP/1.0'
  if (codings.length > 1 || trimOws(codings[0] ?? '').toLowerCase() !== 'chunked')
    return 'its Transfer-Encoding is not a single chunked'
  return undefined
}
