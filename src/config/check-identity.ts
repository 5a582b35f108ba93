import { placeOf } from './check-templates.ts'
import type { CredentialReading } from './credential-reading.ts'
import type { Report } from './report.ts'
import { canIdentify, identityFieldsOf, requestFieldOf } from './request-values.ts'
import { placeholdersOf } from './template-uses.ts'

/** Checks the values that a credential takes from the caller's request: each combination of them gets a token of its own. */
export function checkIdentity(reading: CredentialReading, report: Report): void {
  const { grant_type, keep_warm } = reading.known
  if (keep_warm === true && identityFieldsOf(reading.known).length > 0) {
    report('no_effect', ['keep_warm'], 'has no effect: nobody knows beforehand for whom tokens will be wanted; remove it')
  }
  for (const use of placeholdersOf(reading.known)) {
    const name = requestFieldOf(use.placeholder)
    if (name === undefined) continue
    if (use.part === 'injection') {
      report(
        'wrong_placeholder',
        placeOf(reading, use),
        `what goes onto the request is no caller's choice; remove {${use.placeholder}}, which may stand in the token request only`,
      )
    } else if (!canIdentify(name)) {
      report(
        'wrong_placeholder',
        placeOf(reading, use),
        `{${use.placeholder}} names a field that the connection, the content or the gateway needs; take a field of its own, such as X-User`,
      )
    } else if (grant_type === 'refresh_token') {
      report(
        'wrong_placeholder',
        placeOf(reading, use),
        `grant_type: refresh_token has one refresh token for all callers; remove {${use.placeholder}} or use another grant`,
      )
    }
  }
}
