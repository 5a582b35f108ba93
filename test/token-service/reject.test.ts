import { describe, expect, it, test } from 'vitest'
import { hasten } from '../support/hasten.ts'
import { ask, report, startTokenService } from '../support/token-service.ts'
import { answerJson, sendRaw } from '../support/servers.ts'

/** A token service that has given `token-1` to somebody. */
async function startWithToken(more: Parameters<typeof startTokenService>[0] = {}) {
  const service = await startTokenService(more)
  await ask(service.tokenServiceUrl, '/authorize/main')
  return service
}

test('who reports the current token gets another one', async () => {
  const { tokenServiceUrl: url, endpoint, metric, log } = await startWithToken()
  const answer = await report(url, 'Bearer token-1')
  expect(answer).toMatchObject({ status: 200, body: '' })
  expect(answer.headers).toMatchObject({ authorization: 'Bearer token-2', 'cache-control': 'no-store' })
  expect((await ask(url, '/authorize/main')).headers.authorization).toBe('Bearer token-2')
  expect(endpoint.requests).toHaveLength(2)
  expect(await metric('bearerd_token_rejections_total{credential="main",outcome="renewed"}')).toBe(1)
  expect(await metric('bearerd_token_service_requests_total{credential="main",operation="reject",code="200"}')).toBe(1)
  expect(JSON.stringify(log)).not.toMatch(/token-[12]|canary/)
})

test('who reports an older token gets the current one, and nothing is asked', async () => {
  const { tokenServiceUrl: url, endpoint, metric } = await startWithToken()
  await report(url, 'Bearer token-1')
  for (let late = 0; late < 5; late++) expect((await report(url, 'Bearer token-1')).headers.authorization).toBe('Bearer token-2')
  expect(endpoint.requests).toHaveLength(2)
  expect(await metric('bearerd_token_rejections_total{credential="main",outcome="newer"}')).toBe(5)
})

test('500 reports of one token at once cost one token request, and all get the new one', async () => {
  const { tokenServiceUrl: url, endpoint } = await startWithToken()
  const answers = await Promise.all(Array.from({ length: 500 }, () => report(url, 'Bearer token-1')))
  expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.authorization}`))).toEqual(
    new Set(['200 Bearer token-2']),
  )
  expect(endpoint.requests).toHaveLength(2)
})

test('while a refused token is renewed, all who come wait for the same token request', async () => {
  const { tokenServiceUrl: url, endpoint } = await startWithToken()
  const { answer } = endpoint
  const granted = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  endpoint.answer = async (response, next) => {
    asked.resolve()
    await granted.promise
    await answer(response, next)
  }
  const renewal = report(url, 'Bearer token-1')
  await asked.promise
  const others = [report(url, 'Bearer token-1'), report(url, 'Bearer token-0'), ask(url, '/authorize/main')]
  granted.resolve()
  for (const waiting of [renewal, ...others]) expect((await waiting).headers.authorization).toBe('Bearer token-2')
  expect(endpoint.requests).toHaveLength(2)
})

test('who reports the new token too is told that there is no other: the renewal was fruitless', async () => {
  const { tokenServiceUrl: url, endpoint, metric } = await startWithToken()
  await report(url, 'Bearer token-1')
  const answer = await report(url, 'Bearer token-2')
  expect(answer).toMatchObject({ status: 401, code: 'no_new_token' })
  expect(answer.body).toContain('cool_down')
  expect(answer.headers['www-authenticate']).toBe('Bearer realm="bearerd", error="invalid_token"')
  expect(answer.headers.authorization).toBeUndefined()
  expect(endpoint.requests).toHaveLength(2)
  expect(await metric('bearerd_token_rejections_total{credential="main",outcome="cool_down"}')).toBe(1)
  // The token may be good for other paths.
  expect((await ask(url, '/authorize/main')).headers.authorization).toBe('Bearer token-2')
})

describe('no other token', () => {
  it('is there when the token endpoint grants the same again', async () => {
    const { tokenServiceUrl: url, endpoint } = await startWithToken()
    endpoint.answer = (response) => answerJson(response, { access_token: 'token-1', expires_in: 3600 })
    expect(await report(url, 'Bearer token-1')).toMatchObject({ status: 401, code: 'no_new_token' })
    expect(endpoint.requests).toHaveLength(2)
  })

  it('is there when the token is younger than min_reissue_interval', async () => {
    const { tokenServiceUrl: url, endpoint } = await startWithToken({ credential: { min_reissue_interval: '1h' } })
    const answer = await report(url, 'Bearer token-1')
    expect(answer).toMatchObject({ status: 401, code: 'no_new_token' })
    expect(answer.body).toContain('too_young')
    expect(endpoint.requests).toHaveLength(1)
  })

  it('is there when the budget is spent', async () => {
    const { tokenServiceUrl: url, endpoint } = await startWithToken({
      credential: { token_requests: { limit: 1, window: '1h' } },
    })
    const answer = await report(url, 'Bearer token-1')
    expect(answer).toMatchObject({ status: 401, code: 'no_new_token' })
    expect(answer.body).toContain('budget')
    expect(endpoint.requests).toHaveLength(1)
  })

  it('is there when the token endpoint fails', async () => {
    const { tokenServiceUrl: url, endpoint } = await startWithToken()
    endpoint.answer = (response) => void response.writeHead(500).end()
    expect(await report(url, 'Bearer token-1')).toMatchObject({ status: 401, code: 'no_new_token' })
    expect(await report(url, 'Bearer token-1')).toMatchObject({ status: 401, code: 'no_new_token' })
    expect(endpoint.requests).toHaveLength(2)
  })

  it('is there when nothing can be had, and nothing ever was', async () => {
    const { tokenServiceUrl: url, endpoint } = await startTokenService()
    endpoint.answer = (response) => void response.writeHead(500).end()
    expect(await report(url, 'Bearer token-0')).toMatchObject({ status: 401, code: 'no_new_token' })
  })

  it('is waited for no longer than a caller of a route would wait', async () => {
    hasten({ 5_000: 30 })
    const { tokenServiceUrl: url, endpoint } = await startWithToken()
    const { answer } = endpoint
    const granted = Promise.withResolvers<void>()
    endpoint.answer = async (response, next) => {
      await granted.promise
      await answer(response, next)
    }
    const late = await report(url, 'Bearer token-1')
    expect(late).toMatchObject({ status: 401, code: 'no_new_token' })
    expect(late.body).toContain('deadline')
    granted.resolve()
    // The renewal goes on, and the next one has its token.
    expect((await ask(url, '/authorize/main')).headers.authorization).toBe('Bearer token-2')
    expect(endpoint.requests).toHaveLength(2)
  })
})

describe('what was refused', () => {
  it('is compared where the token is: in any field, whatever else is set', async () => {
    const inject = [
      { header: 'X-Api-Token', value: 'v1 {access_token}' },
      { header: 'X-Client', value: '{client_id}' },
    ]
    const { tokenServiceUrl: url, endpoint } = await startWithToken({ credential: { inject } })
    const reportField = (value: string) => ask(url, '/reject/main', { method: 'POST', fields: { 'X-API-TOKEN': value } })
    expect((await reportField('v1 token-0')).headers['x-api-token']).toBe('v1 token-1')
    expect((await reportField('v1 token-1')).headers).toMatchObject({ 'x-api-token': 'v1 token-2', 'x-client': 'client' })
    expect(endpoint.requests).toHaveLength(2)
  })

  it('has to be said once', async () => {
    const { servicePort, tokenServiceUrl: url, endpoint } = await startWithToken()
    const post = (fields: object) => ask(url, '/reject/main', { method: 'POST', fields: { ...fields } })
    expect(await post({})).toMatchObject({ status: 400, code: 'bad_request' })
    expect(await post({ authorization: '' })).toMatchObject({ status: 400, code: 'bad_request' })
    const two = 'Authorization: Bearer token-1\r\nauthorization: Bearer token-0\r\n'
    const answer = await sendRaw(servicePort, `POST /reject/main HTTP/1.1\r\nHost: localhost\r\n${two}Content-Length: 0\r\n\r\n`)
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('more than one field authorization')
    expect(answer.text).not.toContain('token-1')
    expect(endpoint.requests).toHaveLength(1)
  })

  it('belongs to an identity, where there is a token for each', async () => {
    const credential = { token_request: { params: { subject: '{request.header.X-User}' } } }
    const { tokenServiceUrl: url } = await startTokenService({ credential })
    const of = async (user: string) => (await ask(url, '/authorize/main', { fields: { 'x-user': user } })).headers.authorization
    expect([await of('ann'), await of('bob')]).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect((await report(url, 'Bearer token-2', { 'x-user': 'bob' })).headers.authorization).toBe('Bearer token-3')
    expect([await of('ann'), await of('bob')]).toEqual(['Bearer token-1', 'Bearer token-3'])
    // Not his, so he gets the one that is.
    expect((await report(url, 'Bearer token-3', { 'x-user': 'ann' })).headers.authorization).toBe('Bearer token-1')
  })

  it('cannot be said where its field says for whom the token is', async () => {
    const credential = { token_request: { params: { subject: '{request.header.Authorization}' } } }
    const { tokenServiceUrl: url } = await startTokenService({ credential })
    const fields = { authorization: 'Bearer of-ann' }
    expect((await ask(url, '/authorize/main', { fields })).headers.authorization).toBe('Bearer token-1')
    const answer = await report(url, 'Bearer token-1')
    expect(answer).toMatchObject({ status: 400, code: 'bad_request' })
    expect(answer.body).toContain('has no /reject')
  })
})

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('%s reports nothing', async (method) => {
  const { tokenServiceUrl: url, endpoint } = await startWithToken()
  const answer = await ask(url, '/reject/main', { method, fields: { authorization: 'Bearer token-1' } })
  expect(answer).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  expect(endpoint.requests).toHaveLength(1)
})
