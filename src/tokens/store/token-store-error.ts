/** A token store that cannot be opened at start-up. The message is for the operator: problem; remedy. Never holds a secret. */
export class TokenStoreError extends Error {
  override name = 'TokenStoreError' as const
}
