import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { startTestGateway } from './gateway.ts'
import type { TestGateway } from './gateway.ts'
import { readBody } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import type { TokenEndpoint } from './token-endpoint.ts'

/** A gateway with a token service, under test. */
export interface TestTokenService extends TestGateway {
  readonly tokenServiceUrl: string
  readonly servicePort: number
  readonly endpoint: TokenEndpoint
}

/** Starts a gateway without routes, with a token service and one credential, `main`. */
export async function startTokenService(
  more: {
    readonly service?: Readonly<Record<string, unknown>>
    readonly credential?: Readonly<Record<string, unknown>>
    readonly credentials?: Readonly<Record<string, unknown>>
    readonly top?: Readonly<Record<string, unknown>>
  } = {},
): Promise<TestTokenService> {
  const endpoint = await tokenEndpoint()
  const basics = { token_endpoint: endpoint.url, client_id: 'client', client_secret: 'canary-client-secret' }
  const others = Object.entries(more.credentials ?? {}).map(([name, keys]) => [name, { ...basics, ...(keys as object) }])
  const gateway = await startTestGateway({
    credentials: { main: { ...basics, ...more.credential }, ...Object.fromEntries(others) },
    token_service: { listen: '127.0.0.1:0', ...more.service },
    ...more.top,
  })
  const { tokenServiceUrl = '' } = gateway
  return { ...gateway, tokenServiceUrl, servicePort: Number(new URL(tokenServiceUrl).port), endpoint }
}

/** An answer of the token service. */
export interface ServiceAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Of a problem document. */
  readonly code: unknown
}

/** Asks a token service, with any method and fields. @param fields a list of values is a field for each */
export function ask(
  url: string,
  path: string,
  { method = 'GET', fields = {}, body }: { method?: string; fields?: Record<string, string | string[]>; body?: string } = {},
): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}${path}`, { method, headers: fields, agent: false }, (response) => {
      void readBody(response).then((whole) => {
        const text = whole.toString()
        const isProblem = response.headers['content-type'] === 'application/problem+json' && text !== ''
        const code = isProblem ? (JSON.parse(text) as { code: unknown }).code : undefined
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, code })
      }, reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Reports a refused value. @param authorization what was refused */
export function report(
  url: string,
  authorization: string,
  fields: Record<string, string | string[]> = {},
): Promise<ServiceAnswer> {
  return ask(url, '/reject/main', { method: 'POST', fields: { authorization, ...fields } })
}
