import type { Credential } from './config.ts'

/** Whether all that a credential puts onto a request are fields: what goes into the query cannot be handed to another proxy. */
export function isInFields({ inject }: Pick<Credential, 'inject'>): boolean {
  return inject.every((target) => 'header' in target)
}

/** The fields that carry the token of a credential, in lower case; others that it sets say nothing of the token. */
export function tokenFieldsOf({ inject }: Pick<Credential, 'inject'>): string[] {
  return inject.flatMap((target) => {
    const carriesToken = target.value.placeholders.some((name) => name === 'access_token' || name.startsWith('token.'))
    return carriesToken && 'header' in target ? [target.header.toLowerCase()] : []
  })
}
