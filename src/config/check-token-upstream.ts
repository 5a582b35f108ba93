import type { RouteReading } from './check-routes.ts'
import { isGroup } from './groups.ts'
import { isLoopbackHost } from './loopback.ts'
import type { Report } from './report.ts'
import { literalStart } from './schema/upstream.ts'
import type { UpstreamTemplate } from './schema/upstream.ts'

/** Checks what a route needs whose upstream the token decides on. */
export function checkTokenUpstream(reading: RouteReading, upstream: UpstreamTemplate, report: Report): void {
  const { written, credential, isAbsent } = reading
  if (isGroup(written) && written['credential'] === undefined) {
    report(
      'wrong_placeholder',
      ['upstream'],
      'without a credential there is no token that {token.FIELD} could be of; write credential, or the URL itself',
    )
  } else if (credential?.grant_type === 'self_signed') {
    report(
      'wrong_placeholder',
      ['upstream'],
      `the credential ${credential.name} signs its tokens itself, so there is no response that {token.FIELD} could be of; write the URL itself`,
    )
  }
  if (isAbsent('allowed_hosts')) {
    report(
      'required_key',
      ['allowed_hosts'],
      'this key is required; name the hosts that an upstream from the token may be on, such as "*.my.salesforce.com"',
    )
  }
  checkTransport(reading, upstream, report)
}

function checkTransport(
  { known: { allowed_hosts, insecure_http }, whole }: RouteReading,
  { template }: UpstreamTemplate,
  report: Report,
): void {
  if (allowed_hosts === undefined) return
  const isLocal = allowed_hosts.every(({ hostname }) => isLoopbackHost(hostname))
  const [, scheme] = /^(https?):/i.exec(literalStart(template).toLowerCase()) ?? []
  if (scheme === 'http' && insecure_http === false && !allowed_hosts.some(({ hostname }) => isLoopbackHost(hostname))) {
    report(
      'clear_text',
      ['upstream'],
      'the token would cross the network in clear text; use https, or say insecure_http: true on this route',
    )
  }
  if (whole !== undefined && insecure_http === true && (isLocal || scheme === 'https'))
    report('no_effect', ['insecure_http'], 'has no effect: the upstream needs no such permission; remove it')
}
