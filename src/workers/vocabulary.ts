import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import type { Sample } from '../telemetry/instruments.ts'
import type { Rejection } from '../tokens/token-supply.ts'
import type { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import type { TokenMessage } from './token-message.ts'

/** What the main process says to a worker. */
export interface FromMain {
  readonly notes: {
    /** A connection that was accepted; with the message comes the socket, unless the caller has left already. */
    readonly connection: null
    /** The token of a supply is this one now; null when there is none that can be used. */
    readonly token: { readonly supply: SupplyName; readonly token: TokenMessage | null }
    /** The configuration that was prepared is not taken into use. */
    readonly abandon: null
    /** From now on answers ask their callers to close the connection. */
    readonly drain: null
    /** There is nothing left to be done. */
    readonly end: null
  }
  readonly questions: {
    /** The first thing that is said: become a worker. Answers what stands in the way. */
    readonly start: { readonly question: StartOrder; readonly answer: Problems }
    /** Make ready for another configuration, and change nothing yet. Answers what stands in the way. */
    readonly prepare: { readonly question: ConfigMessage; readonly answer: Problems }
    /** Take the one that was prepared into use. */
    readonly commit: { readonly question: { readonly generation: number }; readonly answer: null }
    /** Nothing but an answer. */
    readonly heartbeat: { readonly question: null; readonly answer: null }
    readonly report: { readonly question: null; readonly answer: WorkerReport }
    /** Serve what is open to its end, for so long at most; no further connection will come. */
    readonly close: { readonly question: { readonly graceMs: number }; readonly answer: WorkerReport }
  }
}

/** What a worker says to the main process. */
export interface FromWorker {
  readonly notes: {
    /** So many of its connections have closed. */
    readonly closed: { readonly count: number }
    /** A token is in use. */
    readonly used: SupplyName
    /** A supply is not held here any longer: its tokens need not be told. */
    readonly dropped: SupplyName
    /** Refusals against which a new token does not help. */
    readonly pointless: SupplyName
    /** What became of the replay with a replacement; `none` when there was none. */
    readonly replayed: { readonly replacement: number; readonly end: 'accepted' | 'refused' | 'none' }
  }
  readonly questions: {
    readonly obtain: { readonly question: SupplyName; readonly answer: Obtained }
    readonly reject: { readonly question: RejectedToken; readonly answer: RejectionMessage }
  }
}

/** Which token is meant: of a credential of one of the configurations so far, for an identity. May say who a person is: never log it. */
export interface SupplyName {
  /** Which configuration, counted from 0. */
  readonly generation: number
  readonly credential: string
  readonly identity: readonly string[]
}

/** A configuration, as its file said it. Holds secrets: never log it. */
export interface ConfigMessage {
  readonly generation: number
  readonly file: string
  readonly text: string
}

export interface StartOrder extends ConfigMessage {
  /** Which worker it is, counted from 1. */
  readonly worker: number
}

/** One line each, for people; empty when nothing stands in the way. */
export type Problems = readonly string[]

/** What a worker has counted and served. */
export interface WorkerReport {
  /** By metric. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>
  readonly recentRequests: readonly RequestRecord[]
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

export type Obtained =
  { readonly token: TokenMessage } | { readonly unavailable: Pick<TokenUnavailableError, 'reason' | 'message' | 'retryAfterMs'> }

export interface RejectedToken {
  readonly supply: SupplyName
  readonly token: TokenMessage
  readonly canReplay: boolean
  readonly route: string
}

/** A replacement comes with a number, under which the end of its replay is told. */
export type RejectionMessage =
  | { readonly outcome: Exclude<Rejection['outcome'], 'renewed' | 'newer'> }
  | {
      readonly outcome: 'renewed' | 'newer'
      readonly token: TokenMessage
      readonly isCause: boolean
      readonly replacement: number
    }
