import type { Log } from '../../telemetry/log.ts'
import type { TokenStore } from './token-store.ts'

/** Where a store says how it is. */
export interface StoreReports {
  readonly log: Log
  /** Called when the store opens, and whenever it ceases to work or works again. */
  readonly onUp: (store: TokenStore['name'], isUp: boolean) => void
}
