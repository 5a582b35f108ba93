import { expect, test } from 'vitest'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw } from '../support/servers.ts'
import { ask, startTokenService } from '../support/token-service.ts'

/** What a request can do to the token service by being odd: it must get no token that it may not have, and take nothing away. */

test.each([
  ['/', 404, 'no_route'],
  ['/authorize', 404, 'no_route'],
  ['/authorize/', 404, 'no_route'],
  ['/reject/', 404, 'no_route'],
  ['/Authorize/main', 404, 'no_route'],
  ['//authorize/main', 404, 'no_route'],
  ['/authorize//main', 404, 'no_route'],
  ['/metrics', 404, 'no_route'],
  ['/main/v1', 404, 'no_route'],
  ['/reject/main/v1', 404, 'no_route'],
  ['/authorize/nothing', 404, 'no_credential'],
  ['/authorize/Main', 404, 'no_credential'],
  ['/authorize/m%61in', 404, 'no_credential'],
  ['/authorize/main%2fv1', 404, 'no_credential'],
  ['/authorize/main;x', 404, 'no_credential'],
  ['/authorize/constructor', 404, 'no_credential'],
  ['/authorize/__proto__', 404, 'no_credential'],
  ['/authorize/%', 404, 'no_credential'],
  ['/authorize/query', 404, 'no_credential'],
  ['/authorize/nothing/../main', 400, 'bad_request'],
  ['/authorize/nothing/%2e%2e/main', 400, 'bad_request'],
  ['/authorize/main/../nothing', 400, 'bad_request'],
  ['/authorize/main?/../x', 200, undefined],
])('%s is %i %s', async (path, status, code) => {
  const { servicePort, endpoint, metric } = await startTokenService({
    credentials: { query: { inject: { query: 'access_token', value: '{access_token}' } } },
  })
  const method = path.startsWith('/reject') ? 'POST' : 'GET'
  const answer = await sendRaw(servicePort, `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  expect(answer.status).toBe(status)
  if (code !== undefined) expect(JSON.parse(answer.body)).toMatchObject({ code, status })
  expect(endpoint.requests).toHaveLength(status === 200 ? 1 : 0)
  const series = (credential: string, operation: string) =>
    metric(`bearerd_token_service_requests_total{credential="${credential}",operation="${operation}",code="${status}"}`)
  // Only names of the configuration become labels.
  expect(status === 200 ? await series('main', 'authorize') : await series('none', 'none')).toBe(1)
})

test.each([
  ['a target that is too long', `GET /authorize/main/${'x'.repeat(9_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 414],
  ['huge fields', `GET /authorize/main HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['very many fields', `GET /authorize/main HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(300)}\r\n`, 431],
  ['a head without end', `GET /authorize/main HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}`, 431],
  ['two Host fields', 'GET /authorize/main HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', 400],
  ['no Host', 'GET /authorize/main HTTP/1.1\r\n\r\n', 400],
  [
    'two framings',
    'POST /authorize/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
  ],
  ['TRACE', 'TRACE /authorize/main HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405],
  ['CONNECT', 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 404],
  [
    'another host in the target',
    'GET http://evil.example/authorize/main HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    421,
  ],
  ['an unknown expectation', 'GET /authorize/main HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n', 417],
  ['nonsense', 'nonsense\r\n\r\n', 400],
])('%s gets its error and no token, and the next one is served', async (_, bytes, status) => {
  const { servicePort, tokenServiceUrl, endpoint, log } = await startTokenService()
  const answer = await sendRaw(servicePort, bytes, (text) => text.includes('}\n'))
  expect(answer.status).toBe(status)
  expect(answer.text).not.toContain('token-1')
  expect(endpoint.requests).toHaveLength(0)
  expect((await ask(tokenServiceUrl, '/authorize/main')).status).toBe(200)
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
})

test('what a proxy cannot know of the fields that it passes on does no harm to the answer', async () => {
  const { servicePort } = await startTokenService()
  const odd = 'Connection: Authorization, close\r\nAuthorization: habit\r\nX: \x80\xff\r\nContent-Length: 0\r\n'
  const answer = await sendRaw(servicePort, `GET /authorize/main HTTP/1.1\r\nHost: localhost\r\n${odd}\r\n`)
  expect(answer.status).toBe(200)
  expect(answer.head.match(/^authorization: .*$/gim)).toEqual(['Authorization: Bearer token-1'])
})

test('a proxy that leaves while its token is awaited is not served, and ends nothing', async () => {
  const { servicePort, tokenServiceUrl, endpoint, log } = await startTokenService()
  const { answer } = endpoint
  const granted = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  endpoint.answer = async (response, next) => {
    asked.resolve()
    await granted.promise
    await answer(response, next)
  }
  const leaver = await rawCaller(servicePort)
  leaver.send('GET /authorize/main HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await asked.promise
  const other = ask(tokenServiceUrl, '/authorize/main')
  leaver.socket.destroy()
  // By the time that these have been answered it has been noticed.
  for (let round = 0; round < 3; round++) await ask(tokenServiceUrl, '/')
  granted.resolve()
  expect((await other).headers.authorization).toBe('Bearer token-1')
  expect(endpoint.requests).toHaveLength(1)
  await expect.poll(() => log.some(({ message, status }) => message === 'request' && status === 499)).toBe(true)
})
