import type { Credential, CredentialKeys } from './config.ts'
import type { Report } from './report.ts'
import type { TokenStoreConfig } from './schema/token-store.ts'

/** Whether the first refresh token of a credential comes from `bearerd login`. */
export function needsLogin({ grant_type, authorization_endpoint, variables }: CredentialKeys): boolean {
  return grant_type === 'refresh_token' && authorization_endpoint !== undefined && variables['refresh_token'] === undefined
}

/** Checks that there is a place where what a person consented to outlives the process. */
export function checkLogins(credentials: Iterable<Credential>, tokenStore: TokenStoreConfig | undefined, report: Report): void {
  if (tokenStore?.kind !== 'memory') return
  const [first] = [...credentials].filter(needsLogin)
  if (first === undefined) return
  report(
    'token_not_kept',
    ['token_store'],
    `the refresh token that "bearerd login ${first.name}" gets would not outlive the process; write {file: ...} or {redis: ...} here`,
  )
}
