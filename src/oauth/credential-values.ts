import type { Credential } from '../config/config.ts'
import type { TemplateValues } from '../config/template.ts'
import { identityValue, nobody } from './identity.ts'
import type { Identity } from './identity.ts'

/** The values that templates of a credential may name: its client, its scope, its variables, and who a token is for. */
export function credentialValues(credential: Credential, identity: Identity = nobody): TemplateValues {
  return (placeholder) => {
    switch (placeholder) {
      case 'client_id':
        return credential.client_id?.reveal()
      case 'client_secret':
        return credential.client_secret?.reveal()
      case 'scope':
        return typeof credential.scope === 'string' ? credential.scope : credential.scope?.join(credential.scope_delimiter)
      case 'token_endpoint':
        return credential.token_endpoint
      default:
        return Object.hasOwn(credential.variables, placeholder)
          ? credential.variables[placeholder]?.reveal()
          : identityValue(credential, identity, placeholder)
    }
  }
}
