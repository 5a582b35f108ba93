import type { Route } from '../../config/config.ts'
import { connectionOptions, isHopByHop } from '../message/hop-by-hop.ts'
import { rewriteLocation, rewriteSetCookie } from './rewrite.ts'
import type { RewriteContext } from './rewrite.ts'

/**
 * Makes the fields of the answer to the caller: hop-by-hop fields go, the rest keeps its order and spelling, and what points at
 * the upstream is made to point at the gateway.
 * @param fields name, value, name, value, ... as received from the upstream
 * @param sendsTrailers whether trailers will follow, so that Trailer may stay
 */
export function makeAnswerFields(
  fields: readonly string[],
  route: Route,
  context: RewriteContext,
  sendsTrailers: boolean,
): string[] {
  const options = connectionOptions(fields)
  const answer: string[] = []
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    const lowerName = name.toLowerCase()
    if (isHopByHop(lowerName) || options?.has(lowerName) === true) continue
    if (lowerName === 'trailer' && !sendsTrailers) continue
    if (lowerName === 'location' && route.rewrite.location) answer.push(name, rewriteLocation(value, context))
    else if (lowerName === 'set-cookie' && route.rewrite.cookies) answer.push(name, rewriteSetCookie(value, context))
    else answer.push(name, value)
  }
  return answer
}
