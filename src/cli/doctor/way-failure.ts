import { formatPlace } from '../../config/egress-proxy.ts'
import { errorCode } from '../../network/error-code.ts'
import { tlsFailureInWords } from '../../network/tls-failure.ts'

/** What could not be reached, and where the configuration says that it is there. */
export interface Unreached {
  /** As for a socket: without brackets around an IPv6 address. */
  readonly hostname: string
  readonly port: number
  /** The key that names it. */
  readonly key: string
}

/** Says why a name has no address: `problem; remedy`. */
export function lookupFailure(error: unknown, { hostname, key }: Pick<Unreached, 'hostname' | 'key'>, limitMs: number): string {
  const code = codeOf(error)
  const dns = 'check the DNS servers of this machine, and whether it may ask them'
  if (code === 'ETIMEDOUT') return `the name ${hostname} could not be looked up within ${limitMs} ms; ${dns}`
  if (code === 'ENOTFOUND')
    return `there is no host ${hostname} (ENOTFOUND); check its spelling in ${key}, and the DNS of this machine`
  return `the name ${hostname} could not be looked up (${code}); ${dns}`
}

/** Says why a port could not be connected to: `problem; remedy`. */
export function connectFailure(error: unknown, { hostname, port, key }: Unreached, limitMs: number): string {
  const code = codeOf(error)
  const place = formatPlace({ hostname, port })
  const firewall = 'have the connection allowed by the firewall on the way, or name an egress proxy (proxy, or HTTPS_PROXY)'
  if (code === 'ETIMEDOUT') return `${place} does not answer within ${limitMs} ms; ${firewall}`
  if (code === 'ECONNREFUSED') return `nothing listens at ${place} (ECONNREFUSED); check host and port in ${key}`
  if (/^(EHOSTUNREACH|ENETUNREACH|EACCES|EPERM)$/.test(code)) return `there is no way to ${place} (${code}); ${firewall}`
  return `no connection to ${place} (${code}); check host and port in ${key}`
}

/**
 * Says why TLS failed with a port that can be connected to: `problem; remedy`.
 * @param tlsKey under which the configuration says what is trusted and shown
 */
export function tlsFailure(error: unknown, { hostname, port, key }: Unreached, tlsKey: string, limitMs: number): string {
  const code = codeOf(error)
  const place = formatPlace({ hostname, port })
  const isIt = `check that this port speaks TLS at all, and host and port in ${key}`
  if (code === 'ETIMEDOUT') return `${place} takes the connection and says nothing for ${limitMs} ms; ${isIt}`
  const words = tlsFailureInWords(code, tlsKey)
  if (words !== undefined) return `no TLS with ${place} (${code}): ${words}`
  return `${place} ends the connection while TLS is agreed on (${code}); ${isIt}`
}

/**
 * Says why there was no answer on a connection that was established: `problem; remedy`.
 * @param tlsKey under which the configuration says what is trusted and shown
 */
export function answerFailure(error: unknown, { hostname, port, key }: Unreached, tlsKey: string, limitMs: number): string {
  const code = codeOf(error)
  const place = formatPlace({ hostname, port })
  if (code === 'ETIMEDOUT')
    return `${place} takes the request and does not answer within ${limitMs} ms; ask those who run it, or check ${key}`
  if (code.startsWith('HPE_')) return `what ${place} answers is not HTTP (${code}); check scheme, host and port in ${key}`
  const words = tlsFailureInWords(code, tlsKey)
  if (words !== undefined) return `${place} ends the connection (${code}): ${words}`
  return `${place} closes the connection without an answer (${code}); check ${key}, and ask those who run it`
}

function codeOf(error: unknown): string {
  return errorCode(error) ?? 'closed'
}
