import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * A request waits its turn behind another one on its connection, and before that turn comes its own body turns out to be nonsense. A
 * gateway that starts it all the same sends its beginning upstream, with a token, and then nobody ever tells it that the rest will not
 * come: the upstream holds half a request, as in the desynchronisations of CVE-2022-32215 and of RFC 9112 11.2.
 */
test.each([
  ['breaks off', 'hel', 'end'],
  ['has a chunk that is none', 'helXXXXX', 'stay'],
])('a request behind a good one whose body %s is never begun upstream', async (_, rest, how) => {
  const tokens = await tokenEndpoint()
  const turn = gate()
  const seen: string[] = []
  const api = await httpServer(async (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    request.resume()
    await turn.opened
    response.end('good')
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  const head = 'HTTP/1.1\r\nHost: localhost\r\n'
  caller.send(`GET /api/a ${head}\r\nPOST /api/b ${head}Transfer-Encoding: chunked\r\n\r\n5\r\n${rest}`)
  await eventually('the first one is upstream', () => seen.length === 1)
  if (how === 'end') caller.socket.end()
  await new Promise((resolve) => setTimeout(resolve, 50))
  turn.open()
  await caller.ended(2_000)
  await settledGateway(gateway)
  expect(seen).toEqual(['GET /a'])
  expect(caller.text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*good[\s\S]*HTTP\/1\.1 400 Bad Request[\s\S]*"bad_request"/)
})
