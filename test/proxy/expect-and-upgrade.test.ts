import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const host = 'Host: localhost\r\n'
const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
const ready = 'HTTP/1.1 100 Continue\r\n\r\n'

/** An upstream for one request per connection: says something at the head, and something when the body has come. */
async function upstreamThat(atHead: (head: string, count: number) => string, atBody: (body: string) => string = () => good) {
  const bodies: string[] = []
  let count = 0
  const server = await tcpServer((socket) => {
    let text = ''
    let hasSpoken = false
    let isDone = false
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      const [head = '', ...rest] = text.split('\r\n\r\n')
      if (rest.length === 0 || isDone) return
      if (!hasSpoken) {
        hasSpoken = true
        const said = atHead(head, ++count)
        if (said !== '') socket.write(said)
        if (!said.startsWith('HTTP/1.1 1') && said !== '') isDone = true
      }
      const body = rest.join('\r\n\r\n')
      const isChunked = /^transfer-encoding: chunked/im.test(head)
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
      if (isDone || (isChunked ? !body.endsWith('0\r\n\r\n') : body.length < length)) return
      isDone = true
      bodies.push(isChunked ? body.replace(/[0-9a-f]+\r\n([^\r]*)\r\n/g, '$1').replace(/\r\n$/, '') : body)
      socket.end(atBody(body))
    })
  })
  return { ...server, bodies }
}

describe('Expect: 100-continue', () => {
  const small = `POST /api/a HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`

  test.each([
    ['a small body, which is copied anyway', {}],
    ['a body that is not copied', { replay: 'off' }],
  ])('is met for %s, whether or not the upstream knows it', async (_, route) => {
    // An upstream that says nothing is waited for: 1 s in earnest.
    hasten({ 1_000: 100 })
    for (const atHead of ['', ready]) {
      const tokens = await tokenEndpoint()
      const upstream = await upstreamThat(() => atHead)
      const gateway = await startApiGateway(upstream.url, tokens.url, { route })
      const caller = await rawCaller(gateway.port)
      caller.send(small)
      await caller.until((text) => text.includes('100 Continue\r\n\r\n'), 3_000)
      caller.send('12345')
      await caller.until((text) => text.includes('good'))
      expect(upstream.bodies).toEqual(['12345'])
      expect(caller.text.match(/100 Continue/g)).toHaveLength(1)
      await settledGateway(gateway)
    }
  })

  test('is not met when the upstream refuses first: the body is never asked for, and a replay is free', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await upstreamThat((head) =>
      head.includes('token-1') ? 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n' : ready,
    )
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { replay: { max_body: 2 } } })
    const caller = await rawCaller(gateway.port)
    caller.send(small)
    await caller.until((text) => text.includes('100 Continue\r\n\r\n'))
    expect(tokens.requests).toHaveLength(2)
    caller.send('12345')
    await caller.until((text) => text.includes('good'))
    expect(upstream.bodies).toEqual(['12345'])
  })

  test('is dropped for an upstream that answers 417, and the request sent without it', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await upstreamThat((head) =>
      /^expect:/im.test(head) ? 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n' : '',
    )
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { replay: { max_body: 2 } } })
    const caller = await rawCaller(gateway.port)
    caller.send(small)
    await caller.until((text) => text.includes('100 Continue\r\n\r\n'))
    caller.send('12345')
    expect(await caller.until((text) => text.includes('good'))).toMatch(/HTTP\/1\.1 200 OK/)
    expect(upstream.bodies).toEqual(['12345'])
  })

  test.each([
    ['a length', 'Content-Length: 5\r\n\r\n', '12345'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n', '5\r\n12345\r\n0\r\n\r\n'],
  ])('that is refused with 417 only after the body has begun never cuts the body (%s)', async (_, framing, body) => {
    hasten({ 1_000: 100 })
    const tokens = await tokenEndpoint()
    let count = 0
    const upstream = await tcpServer((socket) => {
      const isFirst = ++count === 1
      let text = ''
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => {
        text += chunk
        if (isFirst && text.includes('12345')) socket.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n')
        else if (!isFirst && /\r\n\r\n/.test(text))
          socket.write(text.includes('12345') ? good : 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nCUT')
      })
    })
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { replay: 'off', timeouts: { response: '2s' } } })
    const caller = await rawCaller(gateway.port)
    caller.send(`POST /api/a HTTP/1.1\r\n${host}Expect: 100-continue\r\n${framing}`)
    await caller.until((text) => text.includes('100 Continue\r\n\r\n'), 3_000)
    caller.send(body)
    const text = await caller.until((received) => /HTTP\/1\.1 [2-5]/.test(received), 4_000)
    expect(text).not.toContain('CUT')
    expect(text).toMatch(/HTTP\/1\.1 (417|200) /)
  })

  test('of a request without a body gets no 100', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await upstreamThat(() => '')
    const gateway = await startApiGateway(upstream.url, tokens.url)
    const answer = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${host}Expect: 100-continue\r\nConnection: close\r\n\r\n`)
    expect(answer.text).toMatch(/^HTTP\/1\.1 200 /)
  })
})

test('103 is relayed, an unasked 100 swallowed, and HTTP/1.0 callers get neither', async () => {
  const tokens = await tokenEndpoint()
  const upstream = await upstreamThat(() => `${ready}HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\n`)
  const gateway = await startApiGateway(upstream.url, tokens.url)
  const now = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${host}Connection: close\r\n\r\n`)
  expect(now.text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK/)
  expect((await sendRaw(gateway.port, `GET /api/a HTTP/1.0\r\n${host}\r\n`)).text).toMatch(/^HTTP\/1\.1 200 OK/)
})

describe('an upgrade', () => {
  const upgrade = `GET /api/ws HTTP/1.1\r\n${host}Connection: Upgrade, X-Hop\r\nX-Hop: 1\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: abc\r\n\r\n`
  const switching =
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

  /** Switches and echoes; remembers the heads. */
  async function echo(answer = switching) {
    const heads: string[] = []
    const server = await tcpServer((socket) =>
      socket.once('data', (head: Buffer) => {
        heads.push(head.toString('latin1'))
        socket.write(answer)
        if (answer === switching) socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end())
      }),
    )
    return { ...server, heads }
  }

  test('joins both connections: bytes go both ways, those sent ahead too, but not before the 101', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await echo()
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { max_connections: 1 } })
    for (let round = 0; round < 2; round++) {
      const caller = await rawCaller(gateway.port)
      caller.send(`${upgrade}ahead`)
      expect(await caller.until((text) => text.includes('ahead'))).toMatch(/^HTTP\/1\.1 101 [^]*upgrade: websocket/i)
      caller.send('\x00\xff more')
      await caller.until((text) => text.includes('\x00\xff more'))
      caller.socket.end()
      await caller.ended()
      await settledGateway(gateway)
    }
    expect(upstream.heads[0]).not.toMatch(/ahead|x-hop: 1/i)
    expect(upstream.heads[0]).toMatch(/^authorization: Bearer token-1\r$/im)
    await eventually('the upstream is left alone', () => upstream.openConnections() === 0)
    expect(await gateway.metric('bearerd_http_requests_total{route="/api",method="GET",code="101"}')).toBe(2)
  })

  test('that the upstream answers like any request is relayed like any answer', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await echo(good)
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { max_connections: 1 } })
    for (let round = 0; round < 2; round++)
      expect(await sendRaw(gateway.port, upgrade)).toMatchObject({ status: 200, body: 'good' })
    await settledGateway(gateway)
  })

  test('to what nobody asked for is refused', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await echo('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\n')
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { max_connections: 1 } })
    for (let round = 0; round < 2; round++) expect((await sendRaw(gateway.port, upgrade)).status).toBe(502)
    await settledGateway(gateway)
    await eventually('the upstream is left alone', () => upstream.openConnections() === 0)
  })

  test('with a body, or to h2c, goes on as a plain request', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await upstreamThat(() => '')
    const gateway = await startApiGateway(upstream.url, tokens.url)
    const body = await sendRaw(
      gateway.port,
      `POST /api/a HTTP/1.1\r\n${host}Connection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n12345`,
    )
    expect(body.status).toBe(200)
    expect(upstream.bodies).toEqual(['12345'])
    expect(
      (
        await sendRaw(
          gateway.port,
          `GET /api/a HTTP/1.1\r\n${host}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n`,
        )
      ).status,
    ).toBe(200)
  })

  test.each(['caller', 'upstream'])('ends when the %s breaks off', async (side) => {
    const tokens = await tokenEndpoint()
    const upstream = await tcpServer((socket) =>
      socket.once('data', () => {
        socket.write(switching)
        if (side === 'upstream') setTimeout(() => socket.resetAndDestroy(), 50)
      }),
    )
    const gateway = await startApiGateway(upstream.url, tokens.url)
    const caller = await rawCaller(gateway.port)
    caller.send(upgrade)
    await caller.until((text) => text.includes('101'))
    if (side === 'caller') caller.socket.resetAndDestroy()
    else await caller.ended()
    await eventually('the upstream is left alone', () => upstream.openConnections() === 0)
    await settledGateway(gateway)
  })

  test('that is still open does not keep the gateway from stopping', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await echo()
    const gateway = await startApiGateway(upstream.url, tokens.url, { top: { shutdown: { grace: '100ms' } } })
    const caller = await rawCaller(gateway.port)
    caller.send(upgrade)
    await caller.until((text) => text.includes('101'))
    const stopped = gateway.stop().then(() => 'stopped')
    const outcome = await Promise.race([stopped, new Promise((resolve) => setTimeout(() => resolve('hangs'), 2_000))])
    caller.socket.destroy()
    expect(outcome).toBe('stopped')
  })
})
