import type { TokenStoreConfig } from '../../config/schema/token-store.ts'
import type { Clock } from '../clock.ts'
import { createMemoryStore } from './memory-store.ts'
import type { StoreReports } from './store-reports.ts'
import type { TokenStore } from './token-store.ts'

/**
 * Opens the token store of a configuration. Only the one that is used is loaded.
 * @throws TokenStoreError when it cannot work as configured
 */
export async function openTokenStore(
  config: Exclude<TokenStoreConfig, { readonly kind: 'redis' }>,
  { clock, ...reports }: StoreReports & { readonly clock: Clock },
): Promise<TokenStore> {
  if (config.kind === 'file') {
    const { openFileStore } = await import('./file/open-file-store.ts')
    return await openFileStore(config, clock, reports)
  }
  reports.onUp('memory', true)
  return createMemoryStore({ clock, maxTokens: config.max_tokens })
}
