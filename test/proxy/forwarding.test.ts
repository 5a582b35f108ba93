import { describe, expect, test } from 'vitest'
import { startApiGateway, startTestGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import type { ReceivedCall } from '../support/proxy-api.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const fields = 'Host: localhost\r\nConnection: close\r\n\r\n'

/** Sends fields (each ending with CR LF) to `/api/a` and returns what arrived. */
async function arrivedFields(
  sent: string,
  more: Parameters<typeof startApiGateway>[2] = {},
  startLine = 'GET /api/a HTTP/1.1',
): Promise<ReceivedCall> {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, more)
  const answer = await sendRaw(gateway.port, Buffer.from(`${startLine}\r\nHost: localhost\r\n${sent}\r\n`, 'latin1'), (text) =>
    text.endsWith('good'),
  )
  expect(answer.status).toBe(200)
  const call = api.calls[0]
  if (call === undefined) throw new Error('nothing arrived')
  return call
}

function pairs({ rawHeaders }: ReceivedCall): string[] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []))
}

test.each([
  ['/api', '/base'],
  ['/api?', '/base?'],
  ['/api/', '/base/'],
  ['/api//a//', '/base//a//'],
  ['/api/a%2Fb%2fc', '/base/a%2Fb%2fc'],
  ['/api/;x=1;y', '/base/;x=1;y'],
  ['/api/a?b=%zz&&=c?d/e', '/base/a?b=%zz&&=c?d/e'],
  ['/api/%zz%', '/base/%zz%'],
  ['/api/a\\b|{}^`"<>', '/base/a\\b|{}^`"<>'],
  ['/api/%41%C3%A9', '/base/%41%C3%A9'],
  ['/api/http://evil.example/', '/base/http://evil.example/'],
  ['/api//evil.example/', '/base//evil.example/'],
  ['/api/@evil.example', '/base/@evil.example'],
  ['/api?x=%2E%2E/../', '/base?x=%2E%2E/../'],
])('the path behind the prefix and the query go through byte for byte: %s', async (sent, arrived) => {
  const api = await provider()
  const gateway = await startApiGateway(`${api.url}/base/`, api.tokens.url)
  expect((await sendRaw(gateway.port, `GET ${sent} HTTP/1.1\r\n${fields}`)).status).toBe(200)
  expect(api.calls.map(({ target }) => target)).toEqual([arrived])
})

describe('the route', () => {
  test('is the longest prefix on segment boundaries, a host before none', async () => {
    const api = await provider()
    const credential = { token_endpoint: api.tokens.url, client_id: 'client', client_secret: 'secret' }
    const route = (path: string, base: string, host?: string): Record<string, unknown> => ({
      path,
      upstream: `${api.url}${base}`,
      credential: 'main',
      ...(host && { host }),
    })
    const gateway = await startTestGateway({
      credentials: { main: credential },
      routes: [
        route('/gett', '/short'),
        route('/gett/v1', '/long'),
        route('/', '/hosted', 'one.localhost'),
        route('/gett', '/hosted-gett', 'one.localhost'),
      ],
    })
    const target = async (path: string, host = 'localhost'): Promise<string | number | undefined> => {
      const { status } = await sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      return status === 200 ? api.calls.at(-1)?.target : status
    }
    expect(await target('/gett/x')).toBe('/short/x')
    expect(await target('/gett/v1/x')).toBe('/long/x')
    expect(await target('/gett/v10')).toBe('/short/v10')
    expect(await target('/gettysburg')).toBe(404)
    expect(await target('/GETT/x')).toBe(404)
    expect(await target('/%67ett/x')).toBe(404)
    expect(await target('/gett%2Fv1')).toBe(404)
    expect(await target('/x', 'one.localhost')).toBe('/hosted/x')
    expect(await target('/gett/v1/x', 'ONE.localhost:8080')).toBe('/hosted-gett/v1/x')
    expect(await target('/x', 'two.localhost')).toBe(404)
    expect(await target('/x', 'one.localhost.')).toBe('/hosted/x')
  })

  test('sets and removes fields and query parameters as configured', async () => {
    const call = await arrivedFields(
      'X-Tenant: theirs\r\nx_tenant: twin\r\nX-Debug: 1\r\nX-Keep: 2\r\n',
      {
        route: { headers: { set: { 'X-Tenant': 'ours' }, remove: ['x-debug'] }, query: { set: { tenant: 'a b' } } },
      },
      'GET /api/a?x=%2f&tenant=theirs&%74enant=twin&y HTTP/1.1',
    )
    expect(pairs(call).filter((field) => /^x/i.test(field))).toEqual(['X-Keep: 2', 'X-Tenant: ours'])
    expect(call.target).toBe('/a?x=%2f&y&tenant=a%20b')
  })
})

describe('fields of a request', () => {
  test('keep order, spelling, repetition and every byte', async () => {
    const sent = [
      'x-b: 2',
      'X-A: 1',
      'x-B: 3',
      'Cookie: a=1',
      'Cookie: b=2',
      'X-Empty: ',
      'X-Obs: \xe9\x80\xff',
      'x-utf8: \xc3\xa9',
      'Accept: */*',
      'Date: never',
      'User-Agent: old',
    ]
    const call = await arrivedFields(`${sent.join('\r\n')}\r\n`)
    expect(pairs(call).filter((field) => sent.includes(field))).toEqual(sent)
    expect(
      pairs(call)
        .filter((field) => !sent.includes(field))
        .map((field) => field.toLowerCase().split(':')[0]),
    ).toEqual(['host', 'via', 'authorization'])
  })

  test('of one hop stay behind, with all that Connection names', async () => {
    const call = await arrivedFields(
      'Connection:\r\nConnection: close, X-One\r\nConnection: x-TWO ,,\tKeep-Alive\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\n' +
        'Proxy-Authorization: Basic x\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTrailer: X-T\r\n',
    )
    const names = Object.keys(call.headers)
    expect(names).toContain('x-three')
    for (const name of [
      'x-one',
      'x-two',
      'keep-alive',
      'proxy-connection',
      'proxy-authorization',
      'te',
      'upgrade',
      'http2-settings',
      'trailer',
    ]) {
      expect(names).not.toContain(name)
    }
  })

  test('that Connection names cannot take away the token, Via, Host or the framing', async () => {
    const api = await provider()
    const gateway = await startApiGateway(api.url, api.tokens.url)
    const head =
      'POST /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: Authorization, Via, Content-Length, Host, close\r\nContent-Length: 4\r\n\r\n'
    expect((await sendRaw(gateway.port, `${head}body`)).status).toBe(200)
    expect(api.calls[0]).toMatchObject({
      headers: { authorization: 'Bearer token-1', via: '1.1 bearerd', 'content-length': '4', host: `127.0.0.1:${api.port}` },
      body: Buffer.from('body'),
    })
  })

  test('name the upstream as Host, once, and the gateway in Via behind those before', async () => {
    const call = await arrivedFields('Via: 1.0 fred, 1.1 p.example (bearerd)\r\n')
    expect(call.rawHeaders.filter((name) => name.toLowerCase() === 'host')).toHaveLength(1)
    expect(call.headers.host).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(call.headers.via).toBe('1.0 fred, 1.1 p.example (bearerd), 1.1 bearerd')
  })

  test("never hold the caller's own Authorization, in any spelling or number", async () => {
    const call = await arrivedFields('AUTHORIZATION: Bearer theirs\r\nauthorization: Basic x\r\n')
    expect(pairs(call).filter((field) => /^authorization/i.test(field))).toEqual(['Authorization: Bearer token-1'])
  })

  test('never hold an underscore twin of the field that carries the token', async () => {
    const api = await provider()
    api.tokens.isLive = () => true
    const gateway = await startApiGateway(api.url, api.tokens.url, {
      credential: { inject: { header: 'X-Api-Key', value: '{access_token}' } },
    })
    const sent = 'x-api-key: a\r\nX_Api_Key: b\r\nX-Api_Key: c\r\nX-Api-Key-Id: d\r\nAuthorization: Bearer theirs\r\n'
    await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${sent}${fields}`)
    expect(pairs(api.calls[0] as ReceivedCall).filter((field) => /api|auth/i.test(field))).toEqual([
      'X-Api-Key-Id: d',
      'X-Api-Key: token-1',
    ])
  })

  test('do not tell where the call came from', async () => {
    const call = await arrivedFields('')
    expect(Object.keys(call.headers).filter((name) => /forwarded|real-ip|request-id/.test(name))).toEqual([])
  })

  test('with a token in the query replace a parameter of that name only', async () => {
    const api = await provider()
    api.tokens.isLive = () => true
    const gateway = await startApiGateway(api.url, api.tokens.url, {
      credential: { inject: { query: 'access_token', value: '{access_token}' } },
    })
    await sendRaw(
      gateway.port,
      `GET /api/a?x=%zz&access_token=theirs&acces%73_token=b&ACCESS_TOKEN=c&y=a+b HTTP/1.1\r\n${fields}`,
    )
    expect(api.calls[0]?.target).toBe('/a?x=%zz&ACCESS_TOKEN=c&y=a+b&access_token=token-1')
  })
})

test('our own name in Via is a loop, and nothing is sent', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const answer = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\nVia: 1.1 x\r\nVia: 1.0 y,HTTP/1.1\tBearerd (c)\r\n${fields}`)
  expect(answer.status).toBe(508)
  expect(api.begun()).toBe(0)
})

test('a route without a credential forwards without any Authorization', async () => {
  const upstream = await tcpServer((socket) => {
    socket.once('data', (chunk) => {
      const body = chunk.toString('latin1')
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)
    })
  })
  const tokens = await tokenEndpoint()
  const gateway = await startTestGateway({ routes: [{ path: '/api', upstream: upstream.url }] })
  const answer = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\nAuthorization: Bearer theirs\r\n${fields}`)
  expect(answer.body).toMatch(/^GET \/a HTTP\/1\.1\r\nHost: 127/)
  expect(answer.body).not.toMatch(/authorization/i)
  expect(tokens.requests).toHaveLength(0)
})
