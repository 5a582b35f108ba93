import { checkTlsParts } from './check-tls.ts'
import type { CredentialReading } from './credential-reading.ts'
import type { ProxyChoice } from './egress-proxy.ts'
import { valueAt } from './groups.ts'
import { isLoopbackHost } from './loopback.ts'
import { reportBelow } from './report.ts'
import type { Report } from './report.ts'
import { placeOf } from './schema/url.ts'

const at = ['token_request', 'tls']
const atProxy = ['token_request', 'proxy']

/**
 * Checks what is said about the way to the token endpoint: whether the files of TLS hold what they should, and belong together
 * (RFC 8705 2.1), and whether the environment's proxy can be used.
 */
export function checkTokenConnection({ known, written }: CredentialReading, report: Report): void {
  const { grant_type, token_endpoint, token_endpoint_auth_method: method, token_request } = known
  if (token_request === undefined || grant_type === 'self_signed') return
  const { cert } = token_request.tls ?? {}
  const isPlain = token_endpoint?.startsWith('http:') === true
  if (method === 'tls_client_auth') {
    if (isPlain)
      report(
        'conflicting_keys',
        ['token_endpoint'],
        'tls_client_auth proves the client by the certificate of its connection; use https',
      )
    if (cert === undefined)
      report(
        'required_key',
        [...at, 'cert'],
        'this key is required; write the path of the client certificate, because of tls_client_auth',
      )
  } else if (isPlain && token_request.tls !== undefined) {
    report('no_effect', at, 'has no effect: the token endpoint is not https; remove it or use https', 'key')
  }
  checkTlsParts(token_request.tls ?? {}, reportBelow(at, report), method === 'tls_client_auth')
  if (token_endpoint !== undefined) checkTokenProxy(token_endpoint, token_request.proxy, written, report)
}

/** Checks the proxy on the way to the token endpoint. */
function checkTokenProxy(endpoint: string, proxy: ProxyChoice, written: unknown, report: Report): void {
  const isLoopback = isLoopbackHost(placeOf(endpoint).hostname)
  if (proxy.problem !== undefined && !isLoopback) report('unusable_proxy', ['token_endpoint'], proxy.problem)
  if (isLoopback && valueAt(written, atProxy) === 'off')
    report('no_effect', atProxy, 'has no effect: the environment has no say in an endpoint on this machine; remove it', 'key')
}
