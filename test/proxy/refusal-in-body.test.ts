import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { httpServer, readBody } from '../support/servers.ts'
import type { TokenEndpoint } from '../support/token-endpoint.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

type Refuse = (response: ServerResponse) => void

interface Parties {
  readonly gateway: TestGateway
  readonly tokens: TokenEndpoint
  /** Bodies of the requests that the provider received. */
  readonly bodies: string[]
}

/** A provider that knows its second token only, and refuses the first one in its own words. */
async function refusingInBody(rejectedWhen: unknown, refuse: Refuse): Promise<Parties> {
  const tokens = await tokenEndpoint()
  const bodies: string[] = []
  const api = await httpServer(async (request: IncomingMessage, response) => {
    bodies.push((await readBody(request)).toString())
    if (request.headers.authorization === 'Bearer token-1') refuse(response)
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true}')
  })
  return { gateway: await startApiGateway(api.url, tokens.url, { credential: { rejected_when: rejectedWhen } }), tokens, bodies }
}

const json = { 'content-type': 'application/json;charset=UTF-8' }
const marketo = '{"requestId":"d42f#14d1","success":false,"errors":[{"code":"602","message":"Access token expired"}]}'
const meta = '{"error":{"message":"Error validating access token","type":"OAuthException","code":190,"error_subcode":463}}'
const amazon = '{"errors":[{"message":"The access token you provided has expired.","code":"Unauthorized"}]}'

const inMarketo = { status: 200, json: { '/errors/0/code': ['601', '602'] } }
const inMeta = { status: 400, json: { '/error/code': [190] } }
const inAmazon = { status: 403, body: 'access token you provided has expired' }

/** Sends a body byte by byte, each in a packet of its own. */
async function drip(response: ServerResponse, text: string): Promise<void> {
  response.socket?.setNoDelay(true)
  for (const byte of Buffer.from(text)) {
    response.write(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  response.end()
}

describe('a refusal that stands in the body is replayed like any other', () => {
  test.each<[string, unknown, Refuse]>([
    ['200 with a code (Marketo)', [inMarketo], (response) => void response.writeHead(200, json).end(marketo)],
    ['403 with a text (Amazon)', [inAmazon], (response) => void response.writeHead(403, json).end(amazon)],
    ['400 with a number (Meta)', [inMeta], (response) => void response.writeHead(400, json).end(meta)],
    [
      'with a length',
      [inMarketo],
      (response) => void response.writeHead(200, { ...json, 'content-length': marketo.length }).end(marketo),
    ],
    ['byte by byte', [inMarketo], (response) => void drip(response.writeHead(200, json), marketo)],
    [
      'with a length, after its head',
      [inMarketo],
      (response) => {
        response.writeHead(200, { ...json, 'content-length': marketo.length }).flushHeaders()
        setTimeout(() => response.end(marketo), 100)
      },
    ],
    [
      'as plain text, with a byte order mark',
      [inMarketo],
      (response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(`\ufeff${marketo}`),
    ],
    [
      'as application/problem+json',
      [inMeta],
      (response) => void response.writeHead(400, { 'content-type': 'Application/Problem+JSON' }).end(meta),
    ],
    [
      'without a type, but with a length',
      [inMeta],
      (response) => void response.writeHead(400, { 'content-length': meta.length }).end(meta),
    ],
    [
      'encoded as identity',
      [inMeta],
      (response) => void response.writeHead(400, { ...json, 'content-encoding': 'identity' }).end(meta),
    ],
    [
      'up to the end of the connection',
      [inMeta],
      (response) => {
        response.useChunkedEncodingByDefault = false
        response.writeHead(400, { ...json, connection: 'close' }).end(meta)
      },
    ],
    ['of exactly 64 KiB', [inMeta], (response) => void response.writeHead(400, json).end(meta.padEnd(65_536))],
    ['one of several entries', [{ status: 401 }, inMarketo, inMeta], (response) => void response.writeHead(400, json).end(meta)],
    [
      'all of one entry: header, json and body',
      [
        {
          status: 400,
          header: { 'x-a': 'b' },
          json: { '/error/code': ['190'], '/error/type': ['x', 'OAuthException'] },
          body: 'validating',
        },
      ],
      (response) => void response.writeHead(400, { ...json, 'x-a': 'abc' }).end(meta),
    ],
  ])('%s', async (_, rejectedWhen, refuse) => {
    const { gateway, tokens, bodies } = await refusingInBody(rejectedWhen, refuse)
    const answer = await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'the same' })
    expect([answer.status, await answer.text()]).toEqual([200, '{"success":true}'])
    expect(bodies).toEqual(['the same', 'the same'])
    expect(tokens.requests).toHaveLength(2)
    expect(await gateway.metric('bearerd_replays_total{route="/api",outcome="accepted"}')).toBe(1)
    await settledGateway(gateway)
  })
})

describe('an answer that is no refusal goes through as it came, and costs no token request', () => {
  test.each<[string, unknown, Refuse, string | undefined]>([
    [
      'another code',
      [inMarketo],
      (response) => void response.writeHead(200, json).end(marketo.replace('602', '610')),
      marketo.replace('602', '610'),
    ],
    ['another status', [inMarketo], (response) => void response.writeHead(400, json).end(marketo), marketo],
    [
      'only one of two places',
      [{ json: { '/error/code': [190], '/error/type': ['other'] } }],
      (response) => void response.writeHead(200, json).end(meta),
      meta,
    ],
    [
      'json matches, body does not',
      [{ json: { '/error/code': [190] }, body: 'other' }],
      (response) => void response.writeHead(200, json).end(meta),
      meta,
    ],
    [
      'a group where a value should be',
      [{ json: { '/error': ['[object Object]'] } }],
      (response) => void response.writeHead(200, json).end(meta),
      meta,
    ],
    [
      'null',
      [{ json: { '/error': ['null'] } }],
      (response) => void response.writeHead(200, json).end('{"error":null}'),
      '{"error":null}',
    ],
    [
      'cut JSON that is framed well',
      [inMarketo],
      (response) => void response.writeHead(200, json).end(marketo.slice(0, -5)),
      marketo.slice(0, -5),
    ],
    ['an empty body', [inMarketo], (response) => void response.writeHead(200, { ...json, 'content-length': 0 }).end(), ''],
    [
      'an empty chunked body, after its head',
      [inMarketo],
      (response) => {
        response.writeHead(200, json).flushHeaders()
        setTimeout(() => response.end(), 50)
      },
      '',
    ],
    [
      'an image',
      [{ body: 'expired' }],
      (response) => void response.writeHead(200, { 'content-type': 'image/png' }).end('expired'),
      'expired',
    ],
    [
      'one byte over 64 KiB',
      [inMeta],
      (response) => void response.writeHead(400, json).end(meta.padEnd(65_537)),
      meta.padEnd(65_537),
    ],
    [
      'gzip',
      [inMeta],
      (response) => void response.writeHead(400, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(meta)),
      meta,
    ],
  ])('%s', async (_, rejectedWhen, refuse, expected) => {
    const { gateway, tokens, bodies } = await refusingInBody(rejectedWhen, refuse)
    for (let round = 0; round < 3; round++) {
      const answer = await fetch(`${gateway.url}/api/a`)
      expect(await answer.text()).toBe(expected)
      expect(answer.headers.get('proxy-status')).toBeNull()
    }
    expect([tokens.requests.length, bodies.length]).toEqual([1, 3])
    await settledGateway(gateway)
  })

  test.each([
    ['in chunks', false],
    ['with a length', true],
  ])('10 MiB %s, byte for byte, also byte-wise odd ones', async (_, hasLength) => {
    const bytes = Buffer.allocUnsafe(10 * 1024 ** 2)
    for (let index = 0; index < bytes.length; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff
    const { gateway, tokens } = await refusingInBody([{ status: 401 }, { body: 'no such words' }], (response) => {
      response.writeHead(200, hasLength ? { ...json, 'content-length': bytes.length } : json).end(bytes)
    })
    const answer = await fetch(`${gateway.url}/api/a`)
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true)
    expect(answer.headers.get('content-length')).toBe(hasLength ? String(bytes.length) : null)
    expect(tokens.requests).toHaveLength(1)
  })

  test('a connection that carried such an answer carries the next one', async () => {
    const tokens = await tokenEndpoint()
    const api = await httpServer((request, response) => {
      request.resume()
      response.writeHead(200, json).end('{"ok":1}')
    })
    const gateway = await startApiGateway(api.url, tokens.url, { credential: { rejected_when: [inMarketo] } })
    for (let round = 0; round < 5; round++) expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('{"ok":1}')
    expect(await (await fetch(`${gateway.url}/api/a`, { method: 'HEAD' })).text()).toBe('')
    expect(api.connections()).toBe(1)
    await settledGateway(gateway)
  })
})

test('a refusal in the body that cannot be mended is relayed as it came, and says why', async () => {
  const { gateway, tokens } = await refusingInBody([inMarketo], (response) => void response.writeHead(200, json).end(marketo))
  tokens.answer = (response) => void response.writeHead(200, json).end('{"access_token":"token-1","expires_in":60}')
  const answer = await fetch(`${gateway.url}/api/a`)
  expect([answer.status, await answer.text()]).toEqual([200, marketo])
  expect(answer.headers.get('proxy-status')).toMatch(/^bearerd; received-status=200/)
})

test('a path whose every answer says "refused" in its body costs a handful of token requests', async () => {
  const tokens = await tokenEndpoint()
  const api = await httpServer((_, response) => void response.writeHead(200, json).end(marketo))
  const gateway = await startApiGateway(api.url, tokens.url, { credential: { rejected_when: [inMarketo] } })
  for (let round = 0; round < 30; round++) expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe(marketo)
  expect(tokens.requests.length).toBeLessThanOrEqual(5)
  await eventually(
    'nothing is in flight',
    async () => (await gateway.metric('bearerd_http_requests_in_flight{route="/api"}')) === 0,
  )
})
