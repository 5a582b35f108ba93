import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Provider } from 'oidc-provider'
import type { Context } from 'oidc-provider'
import { onTestFinished } from 'vitest'
import { pemOf } from './certificates.ts'
import type { CertificateFiles } from './certificates.ts'

/** A client as registered there (RFC 7591). */
export type ClientMetadata = Readonly<Record<string, unknown>> & { readonly client_id: string }

/**
 * A strict authorization server that we did not write, with the client credentials grant; ends with the test.
 * @returns its token endpoint
 */
export async function authorizationServer(
  clients: readonly ClientMetadata[],
  tls?: CertificateFiles & { readonly ca: string },
): Promise<string> {
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => {}
  const listener = (request: IncomingMessage, response: ServerResponse): void => void handle(request, response)
  const server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer(
          { cert: pemOf(tls.cert), key: pemOf(tls.key), ca: pemOf(tls.ca), requestCert: true, rejectUnauthorized: false },
          listener,
        )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const issuer = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: clients.map((client) => ({ grant_types: ['client_credentials'], response_types: [], redirect_uris: [], ...client })),
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'none',
    ],
    scopes: ['read'],
    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      devInteractions: { enabled: false },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        getCertificate: ({ req }: Context) => (req.socket as TLSSocket).getPeerX509Certificate?.(),
        certificateAuthorized: ({ req }: Context) => (req.socket as TLSSocket).authorized,
        certificateSubjectMatches: ({ req }: Context, _: string, expected: string) =>
          (req.socket as TLSSocket).getPeerX509Certificate()?.subject === expected,
      },
    },
  })
  handle = provider.callback()
  return `${issuer}/token`
}
