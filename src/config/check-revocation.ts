import type { Credential } from './config.ts'
import type { CredentialReading } from './credential-reading.ts'
import { isWritten } from './credential-reading.ts'
import type { Report } from './report.ts'
import type { TokenStoreConfig } from './schema/token-store.ts'

/** Checks what handing a token back takes (RFC 7009). */
export function checkRevocation({ known, isAbsent }: CredentialReading, report: Report): void {
  const { revoke_on_shutdown, grant_type } = known
  if (revoke_on_shutdown === true && grant_type === 'self_signed')
    report('no_effect', ['revoke_on_shutdown'], 'nobody can take back a token that is signed here; remove it')
  else if (revoke_on_shutdown === true && grant_type === 'refresh_token')
    // RFC 7009 2.1: the server may revoke the refresh token with it, and with that what a person consented to.
    report(
      'conflicting_keys',
      ['revoke_on_shutdown'],
      'the provider may end the refresh token together with the token; remove it',
    )
  else if (revoke_on_shutdown === true && isAbsent('revocation_endpoint'))
    report('required_key', ['revocation_endpoint'], 'this key is required; write it, because revoke_on_shutdown needs it')
}

/** Finds what has no effect. */
export function checkRevocationEffect(
  reading: CredentialReading,
  { revoke_on_shutdown }: Pick<Credential, 'revoke_on_shutdown'>,
  report: Report,
): void {
  if (!revoke_on_shutdown && isWritten(reading, 'revocation_endpoint'))
    report('no_effect', ['revocation_endpoint'], 'has no effect without revoke_on_shutdown: true; remove it or say that')
}

/** Tokens that other replicas go on using cannot be handed back by one of them. */
export function checkRevocationAmongReplicas(
  credentials: Iterable<Pick<Credential, 'name' | 'revoke_on_shutdown'>>,
  store: TokenStoreConfig | undefined,
  report: Report,
): void {
  if (store?.kind !== 'redis') return
  for (const { name, revoke_on_shutdown } of credentials) {
    if (revoke_on_shutdown)
      report(
        'conflicting_keys',
        ['credentials', name, 'revoke_on_shutdown'],
        'with token_store: redis the other replicas go on using the token; remove it, or keep tokens in memory',
      )
  }
}
