import type { Log } from '../../telemetry/log.ts'
import type { TokenStore } from './token-store.ts'

/** Where a store says how it is. */
export interface StoreReports {
  readonly log: Log
  /**
   * Called when the store opens, and whenever it ceases to work or works again.
   * @param reason why it does not, for people
   */
  readonly onUp: (store: TokenStore['name'], isUp: boolean, reason?: string) => void
}
