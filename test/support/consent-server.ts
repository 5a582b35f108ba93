import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Provider } from 'oidc-provider'
import { onTestFinished } from 'vitest'
import type { ClientMetadata } from './authorization-server.ts'

/** A strict authorization server that we did not write, and the person who is asked there. */
export interface ConsentServer {
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** What the person says. */
  decision: 'consent' | 'deny'
  /** Opens an address, says yes or no, and follows every redirect. @returns the last one, which leads back to the client */
  visit(url: string): Promise<string>
}

/** Starts one that wants PKCE and grants refresh tokens; ends with the test. */
export async function consentServer(client: ClientMetadata): Promise<ConsentServer> {
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => {}
  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const provider = new Provider(issuer, {
    clients: [
      {
        // RFC 8252 7.3: such a client may come back to any port of this machine.
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        ...client,
      },
    ],
    scopes: ['read', 'write'],
    cookies: { keys: ['test'] },
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
  })
  const answer = provider.callback()
  const consent: ConsentServer = {
    issuer,
    authorizationEndpoint: `${issuer}/auth`,
    tokenEndpoint: `${issuer}/token`,
    decision: 'consent',
    visit: (url) => follow(url, issuer),
  }
  handle = async (request, response) =>
    request.url?.startsWith('/interaction/') === true
      ? await provider.interactionFinished(request, response, await resultOf(provider, consent, request, response))
      : await answer(request, response)
  return consent
}

async function resultOf(
  provider: Provider,
  { decision }: ConsentServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Readonly<Record<string, unknown>>> {
  if (decision === 'deny') return { error: 'access_denied', error_description: 'the person said no' }
  const { params, prompt } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') return { login: { accountId: 'person' } }
  const grant = new provider.Grant({ accountId: 'person', clientId: params['client_id'] ?? '' })
  grant.addOIDCScope(params['scope'] ?? '')
  return { consent: { grantId: await grant.save() } }
}

/** A browser, as far as that takes cookies and redirects. */
async function follow(url: string, issuer: string): Promise<string> {
  const cookies = new Map<string, string>()
  let next = url
  while (next.startsWith(`${issuer}/`)) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const { headers, status, ...answer } = await fetchOnce(next, cookie)
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = headers.get('location')
    if (location === null) throw new Error(`the authorization server answered ${status}: ${answer.text}`)
    next = new URL(location, next).href
  }
  return next
}

async function fetchOnce(url: string, cookie: string) {
  const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
