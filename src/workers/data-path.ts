import type { Config } from '../config/config.ts'
import type { ListenAddress } from '../config/schema/listen.ts'
import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import type { Gateway, Prepared } from '../proxy/gateway.ts'
import type { Instrument } from '../telemetry/instruments.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** What stands in the way of workers that shall start, or take a configuration into use. */
export class WorkerProblemsError extends Error {
  override name = 'WorkerProblemsError' as const
  /** One line each, for people. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options)
    this.problems = problems
  }
}

/** Another configuration that is ready; one of the two has to follow. */
export interface DataPathChange extends Omit<Prepared, 'commit'> {
  /** Takes it into use, from the next request on; requests under way finish with theirs. It cannot fail. */
  readonly commit: () => void | Promise<void>
}

/** The data path as a whole, whether it runs in this process or in workers. */
export interface DataPath {
  /** Whether anybody is there to serve a request. */
  readonly isServing: boolean
  /** All metrics; what workers have counted is as of the last time that it was gathered. */
  readonly instruments: readonly Instrument[]
  /** Starts to listen. @throws the system's error when the address cannot be used, WorkerProblemsError when the workers do not start */
  open(): Promise<ListenAddress>
  /**
   * Makes ready for another configuration, and changes nothing yet.
   * @throws what stands in the way
   */
  prepare(config: Config): DataPathChange | Promise<DataPathChange>
  startDraining(): void
  /** Stops: no new connections, open requests get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
  /** Has the workers tell what they have counted. */
  gather(): Promise<void>
  /** The last exchanges, newest first. */
  recentRequests(): Promise<readonly RequestRecord[]>
}

/** The data path in this process: there is nothing to be waited for. */
export function inThisProcess(gateway: Gateway, { instruments }: Metrics): DataPath {
  return {
    isServing: true,
    instruments,
    open: async () => await gateway.open(),
    prepare: (config) => gateway.prepare(config),
    startDraining: () => gateway.startDraining(),
    close: async (graceMs) => await gateway.close(graceMs),
    gather: async () => {},
    recentRequests: async () => gateway.recent.list(),
  }
}
