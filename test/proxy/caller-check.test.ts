import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import { sendRaw } from '../support/servers.ts'

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const top = { hosts: ['Gateway.internal'], origins: ['https://app.example'] }

test.each([
  ['localhost', 'Host: localhost:1\r\n', 200],
  ['an address of this machine', 'Host: 127.0.0.1\r\n', 200],
  ['another one', 'Host: 127.8.9.10:99\r\n', 200],
  ['IPv6', 'Host: [::1]:8080\r\n', 200],
  ['a name below localhost', 'Host: x.LOCALHOST\r\n', 200],
  ['a configured name', 'Host: gateway.INTERNAL:80\r\n', 200],
  ['no Origin, of this site', 'Host: localhost\r\nSec-Fetch-Site: same-origin\r\n', 200],
  ['typed by a person', 'Host: localhost\r\nSec-Fetch-Site: none\r\n', 200],
  ['a listed origin', 'Host: localhost\r\nOrigin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n', 200],
  ['DNS rebinding', 'Host: evil.example\r\n', 421],
  ['a name that only begins well', 'Host: localhost.evil.example\r\n', 421],
  ['a name that only ends well', 'Host: evillocalhost\r\n', 421],
  ['an address that only begins well', 'Host: 127.0.0.1.evil.example\r\n', 421],
  ['all addresses', 'Host: 0.0.0.0\r\n', 421],
  ['an origin', 'Host: localhost\r\nOrigin: https://evil.example\r\n', 403],
  ['an opaque origin', 'Host: localhost\r\nOrigin: null\r\n', 403],
  ['an empty origin', 'Host: localhost\r\nOrigin:\r\n', 403],
  ['an origin that begins like a listed one', 'Host: localhost\r\nOrigin: https://app.example.evil.example\r\n', 403],
  ['the listed origin with another scheme', 'Host: localhost\r\nOrigin: http://app.example\r\n', 403],
  ['a second origin', 'Host: localhost\r\nOrigin: https://app.example\r\nOrigin: null\r\n', 403],
  ['our own origin, which rebinding can forge', 'Host: localhost\r\nOrigin: http://localhost\r\n', 403],
  ['another site', 'Host: localhost\r\nSec-Fetch-Site: cross-site\r\n', 403],
  ['the same site', 'Host: localhost\r\nSec-Fetch-Site: same-site\r\n', 403],
  ['a page of another site in navigation', 'Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n', 403],
])('a caller that shows %s gets %i', async (_, sent, status) => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { top })
  const plain = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${sent}Connection: close\r\n\r\n`)
  expect(plain.status).toBe(status)
  expect(plain.head).not.toMatch(/^access-control/im)
  const upgraded = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${sent}${upgrade}\r\n`)
  expect(upgraded.status).toBe(status)
  const preflight = await sendRaw(
    gateway.port,
    `OPTIONS /api/a HTTP/1.1\r\n${sent}Access-Control-Request-Method: PUT\r\nConnection: close\r\n\r\n`,
  )
  expect(preflight.head).not.toMatch(/^access-control/im)
  if (status === 200) return
  expect(preflight.status).toBe(status)
  expect(JSON.parse(plain.body)).toMatchObject({ code: status === 421 ? 'wrong_host' : 'caller_forbidden' })
  expect(api.begun()).toBe(0)
  expect(api.tokens.requests).toHaveLength(0)
})
