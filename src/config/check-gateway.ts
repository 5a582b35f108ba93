import type { z } from 'zod'
import type { Known } from './config.ts'
import type { Report } from './report.ts'
import type { Caller } from './schema/callers.ts'
import { isSocketFile } from './schema/listen.ts'
import type { ListenAddress } from './schema/listen.ts'
import type { ListenerTls } from './schema/listener-tls.ts'
import type { gatewaySchema } from './schema/gateway.ts'
import type { TokenServiceKeys } from './schema/token-service.ts'

/** Checks what concerns more than one key at the top level. */
export function checkGateway(
  { listen, tls, callers, admin, token_service }: Known<z.output<ReturnType<typeof gatewaySchema>>>,
  isOpenUnsaid: boolean,
  report: Report,
): void {
  if (token_service !== undefined) checkTokenService(token_service, [listen, admin?.listen], report)
  if (listen === undefined) return
  if (!listen.isLoopback && isOpenUnsaid) {
    report(
      'open_to_all',
      ['listen'],
      'every machine that reaches this address could use the tokens; list who may call under "callers", say callers: anyone, or listen on 127.0.0.1',
    )
  }
  if (admin !== undefined && overlap(listen, admin.listen)) {
    const remedy = isSocketFile(listen) ? 'choose another path' : 'choose another port, such as 9090'
    report('not_unique', ['admin', 'listen'], `the admin interface cannot share the address of the gateway; ${remedy}`)
  }
  checkSocketFile(listen, tls, callers, [], report)
  if (admin !== undefined) checkSocketFile(admin.listen, admin.tls, admin.callers, ['admin'], report)
}

/** Whoever may use the token service has the tokens: it is never open to a network, nor readable on one unless that is said. */
function checkTokenService(
  { listen, tls, callers, hosts, insecure_http }: TokenServiceKeys,
  others: readonly (ListenAddress | undefined)[],
  report: Report,
): void {
  const at = ['token_service']
  if (!listen.isLoopback && callers === undefined) {
    report(
      'open_to_all',
      [...at, 'listen'],
      'every machine that reaches this address could have the tokens; list who may under "token_service.callers", or listen on 127.0.0.1',
    )
  }
  const isExposed = !listen.isLoopback && tls === undefined
  if (isExposed && !insecure_http) {
    report(
      'clear_text',
      [...at, 'listen'],
      'the tokens would cross the network in clear text; write token_service.tls, or say insecure_http: true there',
    )
  }
  // Where there is TLS, the certificate has another name than the page.
  const byAddress = isExposed && hosts.length === 0 ? (callers ?? []).findIndex(({ cidr }) => cidr !== undefined) : -1
  if (byAddress >= 0) {
    report(
      'open_to_all',
      [...at, 'callers', byAddress, 'cidr'],
      'a web page in a browser there could have the tokens, by pointing its own name at this address; list under token_service.hosts what proxies call it, or say another proof',
    )
  }
  if (insecure_http && !isExposed)
    report(
      'no_effect',
      [...at, 'insecure_http'],
      'has no effect: no token crosses a network in clear text here; remove it',
      'key',
    )
  if (others.some((other) => other !== undefined && overlap(listen, other))) {
    const remedy = isSocketFile(listen) ? 'choose another path' : 'choose another port, such as 9180'
    report(
      'not_unique',
      [...at, 'listen'],
      `the token service cannot share an address with the gateway or the admin interface; ${remedy}`,
    )
  }
  checkSocketFile(listen, tls, callers, at, report)
}

/** What concerns networks has no effect on a unix socket. */
function checkSocketFile(
  listen: ListenAddress,
  tls: ListenerTls | undefined,
  callers: readonly Caller[] | 'anyone' | undefined,
  at: readonly string[],
  report: Report,
): void {
  if (!isSocketFile(listen)) return
  if (tls !== undefined) report('no_effect', [...at, 'tls'], 'has no effect: a unix socket crosses no network; remove it', 'key')
  for (const [index, { cidr }] of Array.isArray(callers) ? callers.entries() : []) {
    if (cidr !== undefined)
      report(
        'conflicting_keys',
        [...at, 'callers', index, 'cidr'],
        'nobody on a unix socket has an address; say another proof, or narrow the mode of listen',
      )
  }
}

const everyAddress: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

/** Whether two listeners would want the same. */
function overlap(one: ListenAddress, other: ListenAddress): boolean {
  if (isSocketFile(one) || isSocketFile(other)) return isSocketFile(one) && isSocketFile(other) && one.path === other.path
  if (one.port === 0 || one.port !== other.port) return false
  if (everyAddress.has(one.host) || everyAddress.has(other.host)) return true
  return addressesOf(one.host).some((address) => addressesOf(other.host).includes(address))
}

function addressesOf(host: string): readonly string[] {
  return host.toLowerCase() === 'localhost' ? ['127.0.0.1', '::1'] : [host.toLowerCase()]
}
