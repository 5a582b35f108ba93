import type { Config } from '../../config/config.ts'
import { isLoopbackHost } from '../../config/loopback.ts'
import { isSocketFile } from '../../config/schema/listen.ts'
import { hostnameOf } from '../message/host.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'
import type { ReceivedRequest } from './received-request.ts'

/** Lets a request pass, or throws. */
export type CallerCheck = (request: ReceivedRequest) => void

/**
 * Keeps web pages and DNS rebinding away from the token: a port on localhost is open to every page that a browser on this
 * machine shows. The Host must be a loopback name (or a configured one), and a browser must not say that another site asks. No browser
 * reaches a unix socket.
 * @returns a check that throws GatewayError `wrong_host` or `caller_forbidden`
 */
export function createCallerCheck({ listen, hosts, origins }: Pick<Config, 'listen' | 'hosts' | 'origins'>): CallerCheck {
  const knownHosts = new Set(hosts)
  const knownOrigins = new Set(origins)
  const isForBrowsers = !isSocketFile(listen)
  const checksHost = (listen.isLoopback && isForBrowsers) || hosts.length > 0

  // Callers have one name for the gateway, and use it each time.
  let lastAuthority = ''
  let lastHostname = ''

  return ({ authority, host, fields }) => {
    if (authority !== lastAuthority) {
      lastHostname = hostnameOf(authority)
      lastAuthority = authority
    }
    const hostname = lastHostname
    if (!checksHost && hostname !== hostnameOf(host)) {
      throw new GatewayError('wrong_host', 'the request target names another host than the Host field')
    }
    // HTTP/1.0 may come without Host, from programs only: every browser sends one.
    if (checksHost && authority !== '' && !isLoopbackHost(hostname) && !knownHosts.has(hostname)) {
      throw new GatewayError(
        'wrong_host',
        `the host of the request is none of this gateway's; name it under "hosts" if it should be`,
      )
    }
    if (!isForBrowsers) return
    for (const origin of valuesOf(fields, 'origin')) {
      if (!knownOrigins.has(origin)) {
        throw new GatewayError(
          'caller_forbidden',
          'the request comes from a web page; name its origin under "origins" if it may call',
        )
      }
    }
    for (const site of valuesOf(fields, 'sec-fetch-site')) {
      const isKnownOrigin = valuesOf(fields, 'origin').length > 0
      if (site !== 'same-origin' && site !== 'none' && !isKnownOrigin) {
        throw new GatewayError('caller_forbidden', 'the request comes from a web page of another site')
      }
    }
  }
}
