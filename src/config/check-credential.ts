import { checkAssertion } from './check-assertion.ts'
import { checkClientAuthentication } from './check-client-authentication.ts'
import { checkEffects } from './check-effects.ts'
import { checkGrant } from './check-grant.ts'
import { checkIdentity } from './check-identity.ts'
import { checkRevocation, checkRevocationEffect } from './check-revocation.ts'
import { checkTemplates } from './check-templates.ts'
import { checkTokenConnection } from './check-token-connection.ts'
import type { CredentialReading } from './credential-reading.ts'
import { isWritten } from './credential-reading.ts'
import { isReservedField, reportRepeated } from './field-names.ts'
import { isExposed } from './loopback.ts'
import type { Report } from './report.ts'
import { Template } from './template.ts'

/** Checks what concerns more than one key of a credential: what is missing, what cannot work together, what has no effect. */
export function checkCredential(reading: CredentialReading, report: Report): void {
  checkTransport(reading, report)
  checkClientAuthentication(reading, report)
  checkGrant(reading, report)
  checkAssertion(reading, report)
  checkTokenConnection(reading, report)
  checkTokenRequest(reading, report)
  checkTokenRequestFields(reading, report)
  checkTokenResponse(reading, report)
  checkInjection(reading, report)
  checkRevocation(reading, report)
  checkTemplates(reading, report)
  checkIdentity(reading, report)
  // Something that is wrong may be what another key would have had its effect on.
  if (reading.whole === undefined) return
  checkEffects(reading, reading.whole, report)
  checkRevocationEffect(reading, reading.whole, report)
}

/** What goes to each of the provider's endpoints. */
const exposures = [
  ['token_endpoint', 'the client secret'],
  ['authorization_endpoint', "a person's consent"],
  ['revocation_endpoint', 'the token'],
] as const

function checkTransport({ known }: CredentialReading, report: Report): void {
  if (known.insecure_http !== false) return
  for (const [key, what] of exposures) {
    if (!isExposed(known[key])) continue
    const remedy = 'use https, or say insecure_http: true on this credential'
    report('clear_text', [key], `${what} would cross the network in clear text; ${remedy}`)
  }
}

function checkTokenRequest({ known: { token_request } }: CredentialReading, report: Report): void {
  if (token_request === undefined) return
  const { method, encoding, params } = token_request
  if (method === 'GET' && encoding !== 'query' && encoding !== 'none') {
    report('conflicting_keys', ['token_request', 'encoding'], `a GET has no body for encoding: ${encoding}; use encoding: query`)
  }
  for (const [name, value] of Object.entries(params)) {
    if (encoding !== 'json' && typeof value === 'object' && value !== null && !(value instanceof Template)) {
      report(
        'conflicting_keys',
        ['token_request', 'params', name],
        `encoding: ${encoding} has no lists or groups; write a text, or use encoding: json`,
      )
    }
  }
}

function checkTokenRequestFields({ known: { token_request } }: CredentialReading, report: Report): void {
  if (token_request === undefined) return
  const names = Object.keys(token_request.headers)
  for (const name of names) {
    const at = ['token_request', 'headers', name]
    if (isReservedField(name)) report('reserved_name', at, 'this field belongs to the connection or its framing; remove it')
    if (name.toLowerCase() === 'content-type' && token_request.encoding === 'multipart') {
      report('reserved_name', at, 'the boundary of encoding: multipart stands in this field; remove it')
    }
  }
  reportRepeated(names, (name) =>
    report(
      'duplicate_key',
      ['token_request', 'headers', name],
      'this field is set already, in another spelling; keep one of them',
      'key',
    ),
  )
}

function checkTokenResponse({ known: { token_response, rejected_when = [] } }: CredentialReading, report: Report): void {
  if (token_response !== undefined && token_response.expires.min > token_response.expires.max) {
    report('conflicting_keys', ['token_response', 'expires', 'min'], 'min is longer than max; swap or remove them')
  }
  for (const [index, { status, header = {}, json, body }] of rejected_when.entries()) {
    if (status === undefined && Object.keys(header).length === 0 && json === undefined && body === undefined) {
      report(
        'invalid_value',
        ['rejected_when', index],
        'this match would be true for every answer; name a status, a header, or what the body says',
      )
    }
  }
}

function checkInjection(reading: CredentialReading, report: Report): void {
  const { inject } = reading.known
  if (inject === undefined) return
  const holdsToken = inject.some(({ value }) =>
    value.placeholders.some((name) => name === 'access_token' || name.startsWith('token.')),
  )
  if (!holdsToken)
    report('wrong_placeholder', ['inject'], 'nothing of the token would go onto the request; use {access_token} in a value')
  const at = (index: number): (string | number)[] => (isWritten(reading, 'inject', index) ? ['inject', index] : ['inject'])
  for (const [index, target] of inject.entries()) {
    if ('header' in target && isReservedField(target.header)) {
      report('reserved_name', at(index), `${target.header} belongs to the connection or its framing; choose another field`)
    }
  }
  const headers = inject.map((target) => ('header' in target ? target.header.toLowerCase() : undefined))
  const parameters = inject.map((target) => ('query' in target ? target.query : undefined))
  for (const names of [headers, parameters]) {
    for (const [index, name] of names.entries()) {
      if (name !== undefined && names.indexOf(name) < index)
        report('not_unique', at(index), `something goes to ${name} already; keep one of them`)
    }
  }
}
