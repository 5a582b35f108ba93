import type { IncomingMessage } from 'node:http'
import { trimOws, valuesOf } from '../message/fields.ts'

/**
 * Finds what HTTP forbids in the head of an answer and Node's parser lets through.
 * @param isUpgrade whether the connection was handed over after it
 * @returns what is wrong, or undefined
 */
export function findInvalid(
  { statusCode = 0, statusMessage = '', httpVersion, httpVersionMajor, rawHeaders }: IncomingMessage,
  isUpgrade: boolean,
): string | undefined {
  if (httpVersionMajor !== 1) return `it says it is HTTP/${httpVersion}`
  // RFC 9110 15: three digits, of which the first is 1 to 5.
  if (statusCode < 100 || statusCode > 599) return `its status is ${statusCode}`
  // RFC 9110 15.2: an interim answer is none; 101 without Upgrade leaves a connection of which nobody knows what it speaks.
  if (statusCode < 200 && !isUpgrade) return `its status is ${statusCode}`
  // RFC 9112 4.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(statusMessage)) return 'its reason phrase holds a control byte'
  const codings = valuesOf(rawHeaders, 'transfer-encoding')
  if (codings.length === 0) return undefined
  // RFC 9112 6.1: a coding in HTTP/1.0 makes the framing faulty.
  if (httpVersion === '1.0') return 'it has a Transfer-Encoding in HTTP/1.0'
  if (codings.length > 1 || trimOws(codings[0] ?? '').toLowerCase() !== 'chunked')
    return 'its Transfer-Encoding is not a single chunked'
  return undefined
}
