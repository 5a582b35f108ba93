import type { TokenStoreConfig } from '../../config/schema/token-store.ts'
import type { Clock } from '../clock.ts'
import { createMemoryStore } from './memory-store.ts'
import type { StoreReports } from './store-reports.ts'
import type { TokenStore } from './token-store.ts'

/** What a store is opened with, besides its configuration. */
export interface OpeningParts extends StoreReports {
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
}

/**
 * Opens the token store of a configuration. Only the one that is used is loaded. One in Redis is given half a second to answer:
 * a gateway that served before would have its first callers pay for that.
 * @throws TokenStoreError when it cannot work as configured
 */
export async function openTokenStore(config: TokenStoreConfig, parts: OpeningParts): Promise<TokenStore> {
  if (config.kind === 'file') {
    const { openFileStore } = await import('./file/open-file-store.ts')
    return await openFileStore(config, parts.clock, parts)
  }
  if (config.kind === 'redis') {
    const { createRedisStore } = await import('./redis/redis-store.ts')
    const store = createRedisStore(config, { ...parts, onChange: (isUp, reason) => parts.onUp('redis', isUp, reason) })
    await store.started()
    return store
  }
  parts.onUp('memory', true)
  return createMemoryStore({ clock: parts.clock, maxTokens: config.max_tokens })
}
