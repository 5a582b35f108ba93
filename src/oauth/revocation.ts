import type { Credential } from '../config/config.ts'
import { proxyOf } from '../config/egress-proxy.ts'
import { placeOf } from '../config/schema/url.ts'
import { clientAuthentications } from './client-authentication.ts'
import type { TokenRequestDraft } from './client-authentication.ts'
import { nobody } from './identity.ts'
import type { Identity } from './identity.ts'
import { TokenRequestError } from './token-request-error.ts'
import { tlsOf } from './token-request.ts'
import type { TokenTransport } from './token-transport.ts'

/**
 * Hands an access token back at the revocation endpoint of its credential, once (RFC 7009 2.1).
 * @param identity for whom the token is; nobody where there is one for all
 * @throws TokenRequestError when the endpoint does not say that the token is revoked; TypeError when there is no endpoint
 */
export type RevokeToken = (credential: Credential, accessToken: string, identity?: Identity) => Promise<void>

/**
 * Makes the function that revokes tokens.
 * @param epochMs the time in milliseconds since the epoch, for assertions
 */
export function createRevocation(transport: TokenTransport, epochMs: () => number): RevokeToken {
  return async (credential, accessToken, identity = nobody) => {
    const { revocation_endpoint, token_endpoint_auth_method, token_request } = credential
    if (revocation_endpoint === undefined) throw new TypeError(`the credential ${credential.name} has no revocation endpoint`)
    const draft: TokenRequestDraft = {
      params: new Map([
        ['token', accessToken],
        ['token_type_hint', 'access_token'],
      ]),
      headers: new Map([['accept', 'application/json']]),
    }
    // RFC 7009 2.1: the client proves itself as it does at the token endpoint.
    await clientAuthentications[token_endpoint_auth_method](draft, credential, epochMs(), identity)
    const params = [...draft.params].map(([name, value]): [string, string] => [name, String(value)])
    const { status } = await transport.send({
      method: 'POST',
      url: revocation_endpoint,
      headers: { ...Object.fromEntries(draft.headers), 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(new URLSearchParams(params).toString()),
      timeoutMs: token_request.timeout,
      tls: tlsOf(token_request.tls),
      proxy: proxyOf(token_request.proxy, placeOf(revocation_endpoint)),
    })
    // A token that the endpoint does not know (any more) is revoked too: 200 (RFC 7009 2.2).
    if (status < 200 || status >= 300)
      throw new TokenRequestError('refused', `http_${status}`, `the revocation endpoint answered ${status}`)
  }
}
