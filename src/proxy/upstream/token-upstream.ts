import type { Route } from '../../config/config.ts'
import { isLoopbackHost } from '../../config/loopback.ts'
import { isAllowedHost } from '../../config/schema/allowed-host.ts'
import { parseTokenUpstream } from '../../config/schema/upstream.ts'
import type { UpstreamTemplate } from '../../config/schema/upstream.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import { tokenField } from '../../oauth/token-field.ts'

/** The longest name that DNS knows; an address from a token response is shown up to here. */
const longestName = 253

/**
 * Makes an upstream of a template with the fields of a token response, which nobody has looked at yet: it must be a URL as one
 * that is configured, on a host that is allowed, and encrypted unless that was waived.
 * @param fields the token response that granted the token
 * @returns what is wrong, for people: it names fields and at most shows a host
 */
export function tokenUpstream(
  { template }: UpstreamTemplate,
  { allowed_hosts = [], insecure_http }: Pick<Route, 'allowed_hosts' | 'insecure_http'>,
  fields: unknown,
): UpstreamUrl | string {
  const missing = template.placeholders.find((placeholder) => (tokenField(placeholder, fields) ?? '') === '')
  if (missing !== undefined) return `the token response has no value for {${missing}}`
  const names = template.placeholders.map((placeholder) => `{${placeholder}}`).join(' and ')
  const upstream = parseTokenUpstream(template.render((placeholder) => tokenField(placeholder, fields)))
  if (typeof upstream === 'string') return `the upstream made with ${names} of the token response has ${problemOf(upstream)}`
  const shown = upstream.authority.slice(0, longestName)
  if (!isAllowedHost(upstream, allowed_hosts)) return `${shown}, from ${names} of the token response, is not in allowed_hosts`
  if (!upstream.isTls && !isLoopbackHost(upstream.hostname) && !insecure_http) {
    return `the token would go to ${shown}, from ${names} of the token response, in clear text (insecure_http)`
  }
  return upstream
}

/** The remedy is for those who configure, not for a provider. */
function problemOf(message: string): string {
  return message.split('; ')[0] ?? message
}
