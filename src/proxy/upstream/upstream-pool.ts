import type { RequestCarrier } from './request-carrier.ts'
import type { ConnectionSlots } from './http1/connection-slots.ts'

/**
 * Told once, unless it is given up.
 * @param isReused whether the carrier's connection has served other requests, and may have ended meanwhile
 */
export type OnCarrier = (error: Error | null, carrier?: RequestCarrier, isReused?: boolean) => void

/** The connections to one upstream, in whichever version of HTTP. */
export interface UpstreamPool {
  /** How many requests there may be at a time: each needs a slot. */
  readonly slots: ConnectionSlots
  /** Whether it is watched here how long `open` takes. */
  readonly limitsConnecting: boolean
  /** Something that is there already, if it is. Needs a slot. */
  takeIdle(): RequestCarrier | undefined
  /**
   * Has a connection made, or waits for one that is being made. Needs a slot.
   * @param isStream whether it may be needed as a stream, for another protocol
   * @returns gives up
   */
  open(isStream: boolean, done: OnCarrier): () => void
  /** Ends idle connections, and each of the others once its requests are done. */
  retire(): void
  /** Ends all connections. */
  close(): void
}
