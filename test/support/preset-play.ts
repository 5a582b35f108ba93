import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'vitest'
import { readPreset } from '../../src/config/presets.ts'
import { startTestGateway } from './gateway.ts'
import { httpServer, readBody } from './servers.ts'
import type { TestServer } from './servers.ts'

/** How a provider words an answer. */
export interface Wording {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a text is sent as it is. */
  readonly body: unknown
}

/** A provider as its documentation, or what is known of it otherwise, describes it; one entry per preset. */
export interface Play {
  readonly provider: string
  /** What a user adds to the preset. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Where a provider with a host per tenant has its token endpoint; else the preset says it. */
  readonly tokenEndpoint?: string
  /** The token request, whole: method and target, the named fields (undefined: must be absent), the parameters. */
  readonly asked: {
    readonly line: string
    readonly headers: Readonly<Record<string, string | undefined>>
    readonly body: unknown
  }
  /** The n-th token; `token-N` unless its form matters. */
  readonly token?: (n: number) => string
  /** @param origin where the API is, for providers that say so */
  readonly granted: (token: string, origin: string) => Wording
  /** What the answer says of the token's life. */
  readonly lifetimeSeconds: number
  /** The fields that carry a token, or the query that does. */
  readonly carried: (token: string) => {
    readonly headers?: Readonly<Record<string, string>>
    readonly query?: Readonly<Record<string, string>>
  }
  readonly refused: Wording
  /** An answer with which a token is not refused, and that must be passed on. */
  readonly notRefused?: Wording
}

/** The client of every play. */
export const client = { client_id: 'my-id', client_secret: 'my:secret &' } as const

/** The fields and parameters of the usual ways to ask. */
export const asForm = { 'content-type': 'application/x-www-form-urlencoded' } as const
export const asJson = { 'content-type': 'application/json' } as const
/** RFC 6749 2.3.1: both are form-encoded first. */
export const basic = `Basic ${Buffer.from('my-id:my%3Asecret+%26').toString('base64')}`

/** A token that is a JWT (RFC 7519) and lives for an hour. */
export function jwtToken(n: number): string {
  const iat = Math.floor(Date.now() / 1000)
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part({ iat, exp: iat + 3600, jti: n })}.c2lnbmF0dXJl`
}

interface Asked {
  readonly line: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/**
 * Plays a provider on loopback, with a whole gateway in front of it, from the first token request to the replay after a
 * refusal, and checks what each side gets to see.
 */
export async function playProvider(play: Play): Promise<void> {
  const preset = readPreset(play.provider)
  const endpoint = new URL(play.tokenEndpoint ?? (preset.defaults['token_endpoint'] as string))
  const asked: Asked[] = []
  const tokens: string[] = []
  const refusedBodies: string[] = []
  let oldest = 0
  const provider = await httpServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const body = (await readBody(request)).toString()
    if (pathname === endpoint.pathname) {
      asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: parseParams(request, body) })
      const token = (play.token ?? ((n) => `token-${n}`))(tokens.length + 1)
      tokens.push(token)
      say(response, play.granted(token, provider.url))
    } else if (tokens.slice(oldest).some((token) => isCarried(play, token, request.headers, searchParams))) {
      say(
        response,
        play.notRefused !== undefined && pathname.endsWith('/forbidden')
          ? play.notRefused
          : { status: 200, body: { good: body } },
      )
    } else {
      refusedBodies.push(body)
      say(response, play.refused)
    }
  })
  const gateway = await startTestGateway({
    credentials: {
      main: { ...client, ...play.settings, provider: play.provider, token_endpoint: `${provider.url}${endpoint.pathname}` },
    },
    routes: [{ path: '/api', credential: 'main', ...placeOf(preset.upstream, provider) }],
  })

  const first = await fetch(`${gateway.url}/api/things?a=b`, { method: 'POST', body: 'one' })
  expect([first.status, await first.text()]).toEqual([200, '{"good":"one"}'])
  expect(asked).toHaveLength(1)
  expect([asked[0]?.line, asked[0]?.body]).toEqual([play.asked.line, play.asked.body])
  for (const [name, value] of Object.entries(play.asked.headers)) expect([name, asked[0]?.headers[name]]).toEqual([name, value])
  const expires = (await gateway.metric('bearerd_token_expiry_timestamp_seconds{credential="main"}')) ?? 0
  expect(Math.abs(expires - Date.now() / 1000 - play.lifetimeSeconds)).toBeLessThan(30)

  oldest = 1
  const second = await fetch(`${gateway.url}/api/things`, { method: 'PUT', body: 'two' })
  expect([second.status, await second.text(), refusedBodies]).toEqual([200, '{"good":"two"}', ['two']])
  expect(asked).toHaveLength(2)
  expect([asked[1]?.line, asked[1]?.body]).toEqual([play.asked.line, play.asked.body])
  expect(await gateway.metric('bearerd_replays_total{route="/api",outcome="accepted"}')).toBe(1)

  if (play.notRefused !== undefined) {
    const third = await fetch(`${gateway.url}/api/forbidden`)
    expect([third.status, await third.text()]).toEqual([play.notRefused.status, textOf(play.notRefused)])
    expect(asked).toHaveLength(2)
  }
}

/** The preset's own upstream, where the token decides on it: then only the host has to be that of the play. */
function placeOf(upstream: string | undefined, { url, port }: TestServer): Readonly<Record<string, unknown>> {
  return upstream?.includes('{token.') === true ? { allowed_hosts: [`127.0.0.1:${port}`] } : { upstream: `${url}/base` }
}

function parseParams({ headers }: IncomingMessage, body: string): unknown {
  if (headers['content-type'] === 'application/json') return JSON.parse(body)
  return headers['content-type'] === asForm['content-type'] ? Object.fromEntries(new URLSearchParams(body)) : body
}

function isCarried({ carried }: Play, token: string, received: IncomingHttpHeaders, query: URLSearchParams): boolean {
  const wanted = carried(token)
  return (
    Object.entries(wanted.headers ?? {}).every(([name, value]) => received[name] === value) &&
    Object.entries(wanted.query ?? {}).every(([name, value]) => query.getAll(name).join() === value)
  )
}

function say(response: ServerResponse, wording: Wording): void {
  response
    .writeHead(wording.status, { 'content-type': 'application/json; charset=utf-8', ...wording.headers })
    .end(textOf(wording))
}

function textOf({ body }: Wording): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}
