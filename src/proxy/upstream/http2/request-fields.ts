import { isHopByHop } from '../../message/hop-by-hop.ts'
import type { UpstreamRequest } from '../upstream-request.ts'

/**
 * Says in HTTP/2 what would be sent in HTTP/1.1 (RFC 9113 8.3.1): the target byte for byte, Host as `:authority`, no fields of the
 * connection (8.2.2), names in lower case (8.2.1), in their order.
 * @returns name, value, name, value, ...
 */
export function requestFields({ method, target, fields }: Pick<UpstreamRequest, 'method' | 'target' | 'fields'>): string[] {
  const head = [':method', method, ':scheme', 'https', ':authority', '', ':path', target]
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] as string).toLowerCase()
    const value = fields[index + 1] as string
    if (name === 'host') head[authorityAt] = value
    // The only one that goes on: it is for us as much as for who comes next.
    else if (!isHopByHop(name) || (name === 'te' && value === 'trailers')) head.push(name, value)
  }
  return head
}

const authorityAt = 5
