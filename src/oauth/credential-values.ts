import type { Credential } from '../config/config.ts'
import type { TemplateValues } from '../config/template.ts'

/** The values that templates of a credential may name: its client, its scope and its variables. */
export function credentialValues(credential: Credential): TemplateValues {
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
        return Object.hasOwn(credential.variables, placeholder) ? credential.variables[placeholder]?.reveal() : undefined
    }
  }
}
