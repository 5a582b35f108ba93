import type { Config } from '../config/config.ts'
import { openTokenStore } from '../tokens/store/open-token-store.ts'
import type { OpeningParts } from '../tokens/store/open-token-store.ts'
import { TokenStoreError } from '../tokens/store/token-store-error.ts'
import type { TokenStore } from '../tokens/store/token-store.ts'
import { OperationError } from './command.ts'

/**
 * Opens the token store of a configuration, for a command.
 * @throws OperationError when it cannot work as configured
 */
export async function openStore({ token_store }: Pick<Config, 'token_store'>, parts: OpeningParts): Promise<TokenStore> {
  try {
    return await openTokenStore(token_store, parts)
  } catch (error) {
    throw error instanceof TokenStoreError ? new OperationError(error.message, { cause: error }) : error
  }
}
