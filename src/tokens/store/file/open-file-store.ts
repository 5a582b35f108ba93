import type { TokenStoreConfig } from '../../../config/schema/token-store.ts'
import type { Clock } from '../../clock.ts'
import { LocalStore } from '../local-store.ts'
import { createSealing } from '../sealing.ts'
import type { StoreReports } from '../store-reports.ts'
import type { TokenStore } from '../token-store.ts'
import { EntryFile } from './entry-file.ts'
import { FileHealth } from './file-health.ts'
import { preparePlace } from './file-place.ts'
import { FileShelf } from './file-shelf.ts'
import { prune } from './prune.ts'
import { SealedValues } from './sealed-values.ts'
import { SyncedEntries } from './synced-entries.ts'

/** What a file store is opened with. */
export type FileStoreConfig = Extract<TokenStoreConfig, { readonly kind: 'file' }>

/**
 * Opens the store that keeps tokens in an encrypted file, made with the first token. The file is for one gateway and its
 * command line: what several processes write is merged, but each of them asks for tokens on its own.
 * @throws TokenStoreError when the file cannot be kept there
 */
export async function openFileStore(config: FileStoreConfig, clock: Clock, reports: StoreReports): Promise<TokenStore> {
  const { path, encryption_key, encryption_key_previous, max_tokens: maxTokens } = config
  const file = await preparePlace(path, reports.log)
  const health = new FileHealth(path, reports)
  const entries = new SyncedEntries({
    file: new EntryFile(file),
    clock,
    health,
    prune: (all) => prune(all, clock.epochMs(), maxTokens),
    maxChanges: 3 * maxTokens,
  })
  const values = new SealedValues(entries, createSealing(encryption_key, encryption_key_previous), clock, health)
  const shelf = new FileShelf(entries, values, clock, health)
  return new LocalStore({ name: 'file', isLasting: true, shelf, clock, maxTokens })
}
