import type { Credential } from './config.ts'
import type { Report } from './load-config.ts'
import { suggest } from './problem.ts'
import { isReservedField } from './reserved-fields.ts'
import { isLoopbackHost } from './loopback.ts'
import type { JsonTemplate } from './schema/values.ts'
import { Template } from './template.ts'
import type { Path } from './yaml-document.ts'

/**
 * Checks what concerns more than one key of a credential: what is missing, what cannot work together, what has no effect.
 * @param credential complete, preset included
 * @param written what the user wrote, without the preset: only that can be without effect
 */
export function checkCredential(credential: Credential, written: unknown, path: Path, report: Report): void {
  checkTransport(credential, path, report)
  checkClientAuthentication(credential, written, path, report)
  checkTokenRequest(credential, written, path, report)
  checkTemplates(credential, written, path, report)
  checkInjection(credential, path, report)
  const { min, max } = credential.token_response.expires
  if (min > max) report([...path, 'token_response', 'expires', 'min'], 'min is longer than max; swap or remove them')
  for (const [index, match] of credential.rejected_when.entries()) {
    if (match.status === undefined && match.header === undefined) {
      report([...path, 'rejected_when', index], 'this match would be true for every answer; name a status or a header')
    }
  }
}

function checkTransport({ token_endpoint, insecure_http }: Credential, path: Path, report: Report): void {
  const url = new URL(token_endpoint)
  const isExposed = url.protocol === 'http:' && !isLoopbackHost(url.hostname)
  if (isExposed && !insecure_http) {
    const remedy = 'use https, or say insecure_http: true on this credential'
    report([...path, 'token_endpoint'], `the client secret would cross the network in clear text; ${remedy}`)
  }
  if (!isExposed && insecure_http) report([...path, 'insecure_http'], 'has no effect: the token endpoint needs no such permission; remove it')
}

function checkClientAuthentication(credential: Credential, written: unknown, path: Path, report: Report): void {
  const method = credential.token_endpoint_auth_method
  const named = placeholdersOf(credential).map(({ placeholder }) => placeholder)
  for (const key of ['client_id', 'client_secret'] as const) {
    const isNeeded = method !== 'none' || named.includes(key)
    if (isNeeded && credential[key] === undefined) {
      report([...path, key], `this key is required; write ${key}: \${${credential.name.toUpperCase().replace(/\W/g, '_')}_${key.toUpperCase()}}`)
    }
  }
  if (method === 'none' && credential.client_secret !== undefined && !named.includes('client_secret')) {
    report([...path, 'client_secret'], 'has no effect with token_endpoint_auth_method: none; remove one of them')
  }
  if (method !== 'client_secret_basic' && hasKey(written, 'token_request', 'basic_encoding')) {
    report([...path, 'token_request', 'basic_encoding'], `has no effect with token_endpoint_auth_method: ${method}; remove it`)
  }
}

function checkTokenRequest({ token_request, grant_type, scope }: Credential, written: unknown, path: Path, report: Report): void {
  const { method, encoding, params } = token_request
  if (method === 'GET' && encoding !== 'query' && encoding !== 'none') {
    report([...path, 'token_request', 'encoding'], `a GET has no body for encoding: ${encoding}; use encoding: query`)
  }
  if (encoding === 'none' && hasKey(written, 'token_request', 'params')) {
    report([...path, 'token_request', 'params'], 'has no effect with encoding: none; remove it or choose an encoding')
  }
  for (const [name, value] of Object.entries(params)) {
    if (encoding !== 'json' && typeof value === 'object' && value !== null && !(value instanceof Template)) {
      report([...path, 'token_request', 'params', name], `encoding: ${encoding} has no lists or groups; write a text, or use encoding: json`)
    }
  }
  if (['refresh_token', 'password'].includes(grant_type) || /^urn:ietf:params:oauth:grant-type:jwt-bearer$|^self_signed$/.test(grant_type)) {
    report([...path, 'grant_type'], 'this grant type is not supported yet; use client_credentials, or what the provider calls it')
  }
  if (scope === undefined && hasKey(written, 'scope_delimiter')) {
    report([...path, 'scope_delimiter'], 'has no effect without a scope; remove it or add a scope')
  }
}

function checkTemplates(credential: Credential, written: unknown, path: Path, report: Report): void {
  const variables = Object.keys(credential.variables)
  const used = new Set<string>()
  for (const { placeholder, at, isInjection } of placeholdersOf(credential)) {
    used.add(placeholder)
    const known = ['client_id', 'client_secret', 'scope', 'token_endpoint', ...(isInjection ? ['access_token'] : []), ...variables]
    if (known.includes(placeholder) || (isInjection && /^token\..+/.test(placeholder))) continue
    const isOptionalScope = placeholder === 'scope' && credential.scope === undefined
    if (!isOptionalScope) {
      const isVariable = /^[A-Za-z_][A-Za-z0-9_]*$/.test(placeholder)
      const remedy = suggest(placeholder, known)
      report(
        [...path, ...at],
        `the template names {${placeholder}}, which is nowhere set; ${isVariable && !remedy.startsWith('did') ? `set variables.${placeholder}` : remedy}`,
      )
    }
  }
  if (used.has('scope') && credential.scope === undefined) report([...path, 'scope'], 'this key is required; a template of this credential names it')
  const writtenVariables = isGroup(written) && isGroup(written['variables']) ? Object.keys(written['variables']) : []
  for (const name of writtenVariables) {
    if (!used.has(name)) report([...path, 'variables', name], `has no effect: no template names {${name}}; remove it or use it`, 'key')
  }
}

function checkInjection({ inject }: Credential, path: Path, report: Report): void {
  const holdsToken = inject.some(({ value }) => value.placeholders.some((name) => name === 'access_token' || name.startsWith('token.')))
  if (!holdsToken) report([...path, 'inject'], 'nothing of the token would go onto the request; use {access_token} in a value')
  for (const target of inject) {
    if ('header' in target && isReservedField(target.header)) {
      report([...path, 'inject'], `${target.header} belongs to the connection or its framing; choose another field`)
    }
  }
}

interface PlaceholderUse {
  readonly placeholder: string
  readonly at: Path
  readonly isInjection: boolean
}

function placeholdersOf({ token_request, inject }: Credential): PlaceholderUse[] {
  const uses: PlaceholderUse[] = []
  const collect = (value: JsonTemplate, at: Path, isInjection: boolean): void => {
    if (value instanceof Template) {
      for (const placeholder of value.placeholders) uses.push({ placeholder, at, isInjection })
    } else if (typeof value === 'object' && value !== null) {
      for (const inner of Object.values<JsonTemplate>(value)) collect(inner, at, isInjection)
    }
  }
  for (const group of ['headers', 'query', 'params'] as const) {
    for (const [name, value] of Object.entries(token_request[group])) collect(value, ['token_request', group, name], false)
  }
  for (const { value } of inject) collect(value, ['inject'], true)
  return uses
}

function hasKey(value: unknown, ...keys: readonly string[]): boolean {
  let inner = value
  for (const key of keys) {
    if (!isGroup(inner) || inner[key] === undefined) return false
    inner = inner[key]
  }
  return true
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
