import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { answerJson, httpServer, sendRaw } from '../support/servers.ts'

test.each([
  '/api/oauth/token',
  '/api/oauth/token?grant_type=client_credentials',
  '/api/oauth/%74oken',
  '/api/oauth%2ftoken',
  '/api/oauth%2Ftoken',
  '/api//oauth//token',
  '/api/OAuth/Token',
  '/api/oauth/token/',
  '/api/oauth/token//',
  '/api/oauth/token;x',
  '/api/oauth;a=b/token;c',
  '/api/oauth/%2574oken',
  '/api/oauth%252ftoken',
  '/api/oauth\\token',
  '/api/oauth%5ctoken',
  '/api/%6f%61%75%74%68/token',
  '/api/oauth/token%3bx',
  '/api/oauth/token%2f',
  '/api%2foauth/token',
  '/api/oauth/t%6Fken?x',
  'http://localhost/api/oauth/token',
])('the token endpoint cannot be called as %s', async (target) => {
  let calls = 0
  const host = await httpServer((request, response) => {
    calls++
    answerJson(response, { access_token: 'real', expires_in: 60, path: request.url })
  })
  const gateway = await startApiGateway(host.url, `${host.url}/oauth/token`)
  const answer = await sendRaw(
    gateway.port,
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  )
  // `/api%2foauth` is below no route, which is as good.
  if (answer.status !== 404) {
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'token_endpoint_blocked', route: '/api' })
  }
  expect(calls).toBe(0)
})

test('paths next to the token endpoint are forwarded', async () => {
  const host = await httpServer((_, response) => answerJson(response, { access_token: 'real', expires_in: 60 }))
  const gateway = await startApiGateway(`${host.url}/v1`, `${host.url}/v1/oauth/token`)
  for (const path of ['oauth', 'oauth/tokens', 'oauth/token/info', 'oauth/xtoken', 'v1/oauth/token', 'a?path=/v1/oauth/token']) {
    expect((await fetch(`${gateway.url}/api/${path}`)).status).toBe(200)
  }
  expect((await fetch(`${gateway.url}/api/oauth/token`)).status).toBe(403)
})
