import { RouteHistory, slotMs } from '../telemetry/route-history.ts'
import type { DataPath } from '../workers/data-path.ts'

/** The history of the routes, and what belongs to it. */
export interface FollowedRoutes {
  readonly history: RouteHistory
  /** Ends the looking. */
  readonly end: () => void
}

/** Has the metrics read into a history, once for each piece of it. */
export function followRoutes(dataPath: DataPath): FollowedRoutes {
  const history = new RouteHistory(dataPath.instruments, () => performance.now())
  const timer = setInterval(() => void dataPath.gather().then(() => history.look()), slotMs).unref()
  return { history, end: () => clearInterval(timer) }
}
