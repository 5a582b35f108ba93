import type { z } from 'zod'
import { checkTlsParts } from './check-tls.ts'
import type { Credential, Known, Route } from './config.ts'
import { isInFields } from './injected-fields.ts'
import { suggest } from './problem.ts'
import { reportBelow } from './report.ts'
import type { Report } from './report.ts'
import type { Caller, TokenServiceCaller } from './schema/callers.ts'
import type { ListenerTls } from './schema/listener-tls.ts'
import type { gatewaySchema } from './schema/gateway.ts'

/** What callers may be checked against. */
export interface AroundCallers {
  /** Undefined when they cannot be told. */
  readonly routes: readonly Route[] | undefined
  /** By name, undefined where one has problems of its own; undefined when they cannot be told. */
  readonly credentials: ReadonlyMap<string, Credential | undefined> | undefined
  /** Something of `tls` is reported already, so that nobody can tell what is asked for. */
  readonly isTlsWrong: boolean
}

/**
 * Checks what is said of callers, of the gateway, of the admin interface and of the token service.
 * @param around what the rest of the configuration says
 */
export function checkCallers(
  { callers, tls, admin, token_service }: Known<z.output<ReturnType<typeof gatewaySchema>>>,
  { routes, credentials, isTlsWrong }: AroundCallers,
  report: Report,
): void {
  if (!isTlsWrong) checkTls(tls, callers, [], report)
  checkTls(admin?.tls, admin?.callers, ['admin'], report)
  if (Array.isArray(callers)) {
    checkTogether(callers, ['callers'], report)
    if (routes !== undefined) checkTheirRoutes(callers, routes, report)
  }
  if (admin?.callers !== undefined) checkTogether(admin.callers, ['admin', 'callers'], report)
  if (token_service === undefined) return
  checkTls(token_service.tls, token_service.callers, ['token_service'], report)
  if (token_service.callers === undefined) return
  checkTogether(token_service.callers, ['token_service', 'callers'], report)
  if (credentials !== undefined) checkTheirCredentials(token_service.callers, credentials, report)
}

/** Certificates of callers are looked at where some caller is known by one, and only there. */
function checkTls(
  tls: ListenerTls | undefined,
  callers: readonly Caller[] | 'anyone' | undefined,
  at: readonly string[],
  report: Report,
): void {
  if (tls !== undefined) checkTlsParts(tls, reportBelow([...at, 'tls'], report))
  const list = Array.isArray(callers) ? callers : []
  const index = list.findIndex(({ tls_subject }) => tls_subject !== undefined)
  if (index >= 0 && tls?.client_ca === undefined) {
    const remedy = `write ${[...at, 'tls', 'client_ca'].join('.')}, the authority that issues them`
    report('conflicting_keys', [...at, 'callers', index, 'tls_subject'], `no client certificate is asked for; ${remedy}`)
  }
  if (index < 0 && tls?.client_ca !== undefined) {
    report(
      'no_effect',
      [...at, 'tls', 'client_ca'],
      'has no effect: no caller has a tls_subject; name those who may call, or remove it',
      'key',
    )
  }
}

/** Two callers of one name, or with one key, could not be told apart. */
function checkTogether(callers: readonly Caller[], at: readonly string[], report: Report): void {
  for (const [index, { name, api_key }] of callers.entries()) {
    const before = callers.slice(0, index)
    if (before.some((other) => other.name === name))
      report('not_unique', [...at, index, 'name'], 'another caller has this name; choose another one')
    const isShared = api_key !== undefined && before.some((other) => other.api_key?.reveal() === api_key.reveal())
    if (isShared)
      report(
        'not_unique',
        [...at, index, 'api_key'],
        'another caller has the same key, so nobody could tell the two apart; make a new one',
      )
  }
}

function checkTheirRoutes(callers: readonly Caller[], routes: readonly Route[], report: Report): void {
  const labels = routes.map(({ label }) => label)
  for (const [index, { routes: named = [] }] of callers.entries()) {
    for (const [position, label] of named.entries()) {
      if (!labels.includes(label))
        report(
          'unknown_name',
          ['callers', index, 'routes', position],
          `there is no route of this path; ${suggest(label, labels)}`,
        )
    }
  }
}

function checkTheirCredentials(
  callers: readonly TokenServiceCaller[],
  credentials: ReadonlyMap<string, Credential | undefined>,
  report: Report,
): void {
  for (const [index, { credentials: named = [] }] of callers.entries()) {
    for (const [position, name] of named.entries()) {
      const at = ['token_service', 'callers', index, 'credentials', position]
      const credential = credentials.get(name)
      if (!credentials.has(name))
        report('unknown_name', at, `there is no credential of this name; ${suggest(name, [...credentials.keys()])}`)
      else if (credential !== undefined && !isInFields(credential))
        report(
          'conflicting_keys',
          at,
          'its token goes into the query of a request, and other proxies are given fields only; remove it',
        )
    }
  }
}
