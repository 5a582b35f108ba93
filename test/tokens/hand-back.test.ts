import { describe, expect, test } from 'vitest'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { httpServer, readBody } from '../support/servers.ts'
import { startApiGateway } from '../support/gateway.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'
import { settled } from '../support/fake-clock.ts'
import { sourceUnderTest, sourceWithToken } from '../support/tokens-source.ts'

const handsBack = { revocation_endpoint: 'https://idp.example/revoke', revoke_on_shutdown: true }

describe('handing a token back', () => {
  test('happens once, and the token is not used any more', async () => {
    const under = await sourceWithToken(handsBack)
    await under.source.handBack()
    await under.source.handBack()
    expect(under.revoked).toEqual(['token-1'])
    expect(under.source.current()).toBeUndefined()
    expect(under.log.at(-1)).toMatchObject({ message: 'token handed back', credential: 'main' })
  })

  test('is not asked for unless the credential wants it', async () => {
    const under = await sourceWithToken()
    await under.source.handBack()
    expect(under.revoked).toEqual([])
  })

  test('leaves a token alone that has expired', async () => {
    const under = await sourceWithToken(handsBack, 10_000)
    await under.clock.advance(10_000)
    await under.source.handBack()
    expect(under.revoked).toEqual([])
  })

  test('waits for a token request under way: its token lives too', async () => {
    const under = sourceUnderTest(handsBack)
    const waiting = under.source.obtain()
    await settled()
    const ending = under.source.handBack()
    await under.grant(0, 'token-1')
    await Promise.all([waiting, ending])
    expect(under.revoked).toEqual(['token-1'])
  })

  test('that fails is logged without the token, and ends nothing else', async () => {
    const under = await sourceWithToken(handsBack)
    under.revoke = () => {
      throw new TokenRequestError('refused', 'http_400', 'the revocation endpoint answered 400')
    }
    await under.source.handBack()
    expect(under.log.at(-1)).toMatchObject({ level: 'warn', code: 'http_400', credential: 'main' })
    expect(JSON.stringify(under.log)).not.toContain('token-1')
  })
})

test('a gateway that stops hands its token back, after the last request has used it', async () => {
  const order: string[] = []
  const endpoint = await tokenEndpoint()
  const revocation = await httpServer(async (request, response) => {
    order.push(new URLSearchParams((await readBody(request)).toString()).get('token') ?? '')
    response.end()
  })
  const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const upstream = await httpServer(async (_, response) => {
    arrived.resolve()
    await released.promise
    order.push('answered')
    response.end()
  })
  const gateway = await startApiGateway(upstream.url, endpoint.url, {
    credential: { revocation_endpoint: revocation.url, revoke_on_shutdown: true },
  })
  const open = fetch(`${gateway.url}/api`)
  await arrived.promise
  const stopping = gateway.stop()
  released.resolve()
  await stopping
  expect((await open).status).toBe(200)
  expect(order).toEqual(['answered', 'token-1'])
})

test('a credential that is kept warm has its token before the first request', async () => {
  const endpoint = await tokenEndpoint()
  const gateway = await startApiGateway('http://127.0.0.1:1', endpoint.url, { credential: { keep_warm: true } })
  await expect.poll(() => gateway.tokens.named('main')?.status().state).toBe('fresh')
  expect(endpoint.requests).toHaveLength(1)
})
