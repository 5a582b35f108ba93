import { InvalidAnswerError } from '../http1/invalid-answer-error.ts'

/** RFC 9113 7, by number. */
export const errorCodes = [
  ...(['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED'] as const),
  ...(['FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM'] as const),
  ...(['INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED'] as const),
] as const

/** A code by its name. */
export type ErrorName = (typeof errorCodes)[number]

/** What the upstream does on a connection is not HTTP/2, or more than anybody should take: the connection has to end. */
export class Http2Error extends InvalidAnswerError {
  /** For GOAWAY (RFC 9113 5.4.1). */
  readonly code: ErrorName

  /** @param message what is wrong, for people; holds nothing that was received but numbers */
  constructor(code: ErrorName, message: string) {
    super(`${message} (HTTP/2 ${code})`)
    this.code = code
  }
}

/** The upstream has ended one request, and the connection goes on, or it has ended the connection in the way of HTTP/2. */
export class RequestEndedError extends Error {
  override name = 'RequestEndedError' as const
  /** Whether the upstream says that it has done nothing with the request (RFC 9113 8.7). */
  readonly isUnprocessed: boolean

  /** @param how for people: an error code, or what happened */
  constructor(how: string, isUnprocessed: boolean) {
    super(how)
    this.isUnprocessed = isUnprocessed
  }
}

/** For people. @param code as received */
export function nameOfCode(code: number): string {
  return errorCodes[code] ?? `error ${code}`
}
