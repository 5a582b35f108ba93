import type { Socket } from 'node:net'
import type { Caller } from '../../config/schema/callers.ts'
import type { Log } from '../../telemetry/log.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'
import { compileRanges } from './address-ranges.ts'
import { ApiKeys } from './api-keys.ts'
import { certificateNames } from './certificate-names.ts'
import { KeysUnavailable } from './issuer-keys.ts'
import { SignedTokens } from './signed-tokens.ts'
import type { IssuerKeysByUri, Verdict } from './signed-tokens.ts'

/** Who calls. */
export interface KnownCaller {
  readonly caller: Caller
  /** The key came in Authorization, which is then not free to say anything else. */
  readonly hasKeyInAuthorization: boolean
}

/**
 * Finds out who sent a request, by its fields and its connection; at once wherever it can.
 * @throws GatewayError `caller_unauthenticated`
 */
export type Authenticate = (fields: readonly string[], socket: Socket) => KnownCaller | Promise<KnownCaller>

/**
 * Makes what tells callers apart. A proof that the request carries itself decides before those of its connection, so that a
 * caller can be told apart from others behind the same address.
 * @param callers undefined or `anyone`: nobody is asked
 * @param issuers keys that are known already, and where those that are fetched are kept
 */
export function createAuthenticator(
  callers: readonly Caller[] | 'anyone' | undefined,
  log: Log,
  issuers: IssuerKeysByUri = new Map(),
): Authenticate | undefined {
  if (callers === undefined || callers === 'anyone') return undefined
  const keys = new ApiKeys(callers)
  const signedTokens = callers.some(({ jwt }) => jwt !== undefined) ? new SignedTokens(callers, log, issuers) : undefined
  const byConnection = connectionProofs(callers)
  const challenge = keys.isEmpty ? 'Bearer realm="bearerd"' : 'Bearer realm="bearerd", Basic realm="bearerd"'
  const refusal = (detail: string, retryAfterMs?: number): GatewayError =>
    new GatewayError('caller_unauthenticated', detail, { challenge, ...(retryAfterMs !== undefined && { retryAfterMs }) })

  /** @throws GatewayError when the request carries keys that do not go together */
  function keyOwner(fields: readonly string[], authorizations: readonly string[]): KnownCaller | undefined {
    const [ownKey, ...furtherKeys] = valuesOf(fields, 'x-bearerd-key')
    if (furtherKeys.length > 0) throw refusal('the request has more than one X-Bearerd-Key; send one')
    const [other] = authorizations.map((value) => ownerOfAuthorization(value, keys)).filter((owner) => owner !== undefined)
    if (ownKey !== undefined) {
      // Nobody sends our own field for another purpose, so a wrong key there is refused whatever else would do.
      const caller = keys.ownerOf(ownKey)
      if (caller === undefined) throw refusal('the key in X-Bearerd-Key is not known here')
      if (other !== undefined) throw refusal('the request has a key in X-Bearerd-Key and one in Authorization; send one')
      return { caller, hasKeyInAuthorization: false }
    }
    if (other !== undefined && authorizations.length > 1) throw refusal('the request has more than one Authorization; send one')
    return other && { caller: other, hasKeyInAuthorization: true }
  }

  /** An Authorization that is none of ours may be the caller's own habit; it never goes upstream. */
  function knownBy(socket: Socket, proof: Verdict): KnownCaller {
    const caller = proof instanceof KeysUnavailable || proof === undefined ? byConnection(socket) : proof
    if (caller !== undefined) return { caller, hasKeyInAuthorization: false }
    if (proof instanceof KeysUnavailable) {
      throw refusal(
        'the keys of the issuer cannot be had at the moment, so its tokens cannot be checked; see the log',
        proof.retryAfterMs,
      )
    }
    throw refusal('nothing that the request or its connection shows is known here')
  }

  return (fields, socket) => {
    const authorizations = valuesOf(fields, 'authorization')
    const owner = keyOwner(fields, authorizations)
    if (owner !== undefined) return owner
    const verdict = authorizations.length === 1 ? signedTokens?.callerOf(authorizations[0] ?? '') : undefined
    if (verdict instanceof Promise) return verdict.then((settled) => knownBy(socket, settled))
    return knownBy(socket, verdict)
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

/** What a connection proves, whatever is sent on it; the first caller of the list whose certificate it has, or else address. */
function connectionProofs(callers: readonly Caller[]): (socket: Socket) => Caller | undefined {
  const bySubject = callers.filter(({ tls_subject }) => tls_subject !== undefined)
  const byAddress = callers.flatMap((caller) =>
    caller.cidr === undefined ? [] : [{ caller, isWithin: compileRanges(caller.cidr) }],
  )
  const names = new WeakMap<Socket, ReadonlySet<string>>()
  const namesOf = (socket: Socket): ReadonlySet<string> => {
    const known = names.get(socket) ?? certificateNames(socket)
    names.set(socket, known)
    return known
  }
  return (socket) =>
    (bySubject.length > 0 ? bySubject.find(({ tls_subject = '' }) => namesOf(socket).has(tls_subject)) : undefined) ??
    byAddress.find(({ isWithin }) => isWithin(socket.remoteAddress))?.caller
}
