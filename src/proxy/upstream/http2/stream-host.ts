import type { ErrorName } from './http2-error.ts'

/** The connection that a stream is on. */
export interface StreamHost<Stream> {
  /** Whether it takes nothing more for now. */
  readonly isFull: boolean
  /** Of all streams. */
  readonly bytesReceived: number
  /** The window of a new stream, for what we send. */
  readonly sendWindow: number
  /** How wide the window of each stream is to be, for what we receive. */
  readonly receiveWindow: number
  /** Sends a head. @returns the number of the stream */
  open(stream: Stream, fields: readonly string[], isEnd: boolean): number
  /** Sends what the stream has to send, as far as it goes. */
  send(stream: Stream): void
  /** Tells the stream when there is room again. */
  wait(stream: Stream): void
  /** Opens the window of a stream. */
  widen(id: number, bytes: number): void
  /** Tells the upstream that the stream is over. */
  reset(stream: Stream, code: ErrorName): void
  /** The stream is over. */
  leave(stream: Stream): void
  /** Takes no further requests. */
  drain(): void
}
