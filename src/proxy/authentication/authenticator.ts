import type { Socket } from 'node:net'
import type { Caller } from '../../config/schema/callers.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'
import { compileRanges } from './address-ranges.ts'
import { ApiKeys } from './api-keys.ts'

/** Who calls. */
export interface KnownCaller {
  readonly caller: Caller
  /** The key came in Authorization, which is then not free to say anything else. */
  readonly hasKeyInAuthorization: boolean
}

/**
 * Finds out who sent a request, by its fields and its connection.
 * @throws GatewayError `caller_unauthenticated`
 */
export type Authenticate = (fields: readonly string[], socket: Socket) => KnownCaller | Promise<KnownCaller>

/**
 * Makes what tells callers apart. A proof that the request carries itself decides before those of its connection, so that a
 * caller can be told apart from others behind the same address.
 * @param callers undefined or `anyone`: nobody is asked
 */
export function createAuthenticator(callers: readonly Caller[] | 'anyone' | undefined): Authenticate | undefined {
  if (callers === undefined || callers === 'anyone') return undefined
  const keys = new ApiKeys(callers)
  const byConnection = connectionProofs(callers)
  const challenge = keys.isEmpty ? 'Bearer realm="bearerd"' : 'Bearer realm="bearerd", Basic realm="bearerd"'
  const refusal = (detail: string): GatewayError => new GatewayError('caller_unauthenticated', detail, { challenge })

  return (fields, socket) => {
    const [ownKey, ...furtherKeys] = valuesOf(fields, 'x-bearerd-key')
    if (furtherKeys.length > 0) throw refusal('the request has more than one X-Bearerd-Key; send one')
    const authorizations = valuesOf(fields, 'authorization')
    const [inAuthorization] = authorizations
      .map((value) => ownerOfAuthorization(value, keys))
      .filter((owner) => owner !== undefined)
    if (ownKey !== undefined) {
      // Nobody sends our own field for another purpose, so a wrong key there is refused whatever else would do.
      const caller = keys.ownerOf(ownKey)
      if (caller === undefined) throw refusal('the key in X-Bearerd-Key is not known here')
      if (inAuthorization !== undefined)
        throw refusal('the request has a key in X-Bearerd-Key and another in Authorization; send one')
      return { caller, hasKeyInAuthorization: false }
    }
    if (inAuthorization !== undefined) {
      if (authorizations.length > 1) throw refusal('the request has more than one Authorization; send one')
      return { caller: inAuthorization, hasKeyInAuthorization: true }
    }
    // An Authorization that is none of ours may be the caller's own habit; it never goes upstream.
    const caller = byConnection(socket)
    if (caller === undefined) throw refusal('nothing that the request or its connection shows is known here')
    return { caller, hasKeyInAuthorization: false }
  }
}

/** Whose key stands in an Authorization field: as it is (RFC 6750 2.1), or as the password of its owner's name (RFC 7617 2). */
function ownerOfAuthorization(value: string, keys: ApiKeys<Caller>): Caller | undefined {
  if (keys.isEmpty) return undefined
  const [, scheme = '', shown = ''] = /^(bearer|basic) +(.*)$/is.exec(value) ?? []
  if (scheme.toLowerCase() === 'bearer') return keys.ownerOf(shown)
  if (scheme === '') return undefined
  const pair = Buffer.from(shown, 'base64').toString('latin1')
  const colonAt = pair.indexOf(':')
  const owner = keys.ownerOf(pair.slice(colonAt + 1))
  return colonAt >= 0 && owner?.name === pair.slice(0, colonAt) ? owner : undefined
}

/** What a connection proves, whatever is sent on it; the first caller of the list that it proves. */
function connectionProofs(callers: readonly Caller[]): (socket: Socket) => Caller | undefined {
  const tests = callers.flatMap((caller) => {
    const { cidr } = caller
    if (cidr === undefined) return []
    const isWithin = compileRanges(cidr)
    return [{ caller, isProved: (socket: Socket) => isWithin(socket.remoteAddress) }]
  })
  return (socket) => tests.find(({ isProved }) => isProved(socket))?.caller
}
