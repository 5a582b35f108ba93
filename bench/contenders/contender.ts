import type { Upstream } from '../upstream/upstream.ts'

/** Something that can stand between callers and the upstream, or nothing at all. */
export interface Contender {
  readonly name: string
  /** What it is and how it is set up, for the table's legend. */
  readonly about: string
  /** Which version there is; undefined: the program is missing here. */
  version(): string | undefined
  /** Starts it. @throws Error with what it said when it does not */
  start(setting: Setting): Promise<RunningContender>
}

/** What a contender gets. */
export interface Setting {
  readonly upstream: Upstream
  /** The value of `Authorization` that the upstream wants. */
  readonly authorization: string
  /** Where a contender that does OAuth gets its token. */
  readonly tokenEndpoint: string
  /** A folder of its own. */
  readonly folder: string
  readonly core: number | undefined
  /** Flags for Node.js, for a profile. */
  readonly nodeFlags?: readonly string[]
}

/** A contender that takes requests. */
export interface RunningContender {
  readonly name: string
  /** Origin and prefix; the rest of the path goes to the upstream. */
  readonly base: string
  /** The authority to trust when `base` has TLS. */
  readonly ca?: string
  /** What callers have to send themselves. */
  readonly fields: Readonly<Record<string, string>>
  /** The process whose account is read, with its children; undefined: there is none. */
  readonly pid: number | undefined
  /** Ends it; nothing, when it has ended. */
  readonly stop: () => Promise<void>
}
