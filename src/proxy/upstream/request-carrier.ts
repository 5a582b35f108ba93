import type { ConnectionUser } from './http1/connection.ts'
import type { UpstreamRequest } from './upstream-request.ts'

/** What carries one request and its answer: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface RequestCarrier {
  /** Whether other requests are on the same connection, so that this one is better ended at once than read to its end. */
  readonly isShared: boolean
  /** Whether anything has come in since the request began. */
  readonly hasReceived: boolean
  /** Whether anything of the request has been written. */
  readonly hasWritten: boolean
  /** Whether the request has been written to its end. */
  readonly isRequestWritten: boolean
  /** Whether no more of the request is taken for now; `onWritable` tells when it is. */
  readonly isFull: boolean
  /**
   * Starts with a request, of which nothing is written yet.
   * @param head as it stands on the wire in HTTP/1.1
   */
  begin(user: ConnectionUser, request: UpstreamRequest, head: string): void
  /** Writes the head of the request, if it has not gone out yet. */
  flushHead(): void
  /** Writes a piece of the request's body. @returns false when no more is taken until `onWritable` */
  write(piece: Buffer): boolean
  /** The request's body has come to its end. */
  end(): void
  /**
   * Ends request and answer, whatever is under way.
   * @param isSuspect whether it took longer than anybody should wait, so that the next request had better go another way
   */
  destroy(isSuspect?: boolean): void
}
