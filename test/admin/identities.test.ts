import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import type { Status } from '../../src/admin/status.ts'
import { apiGateway } from '../support/cli-admin-gateway.ts'

const perUser = { token_request: { params: { user: '{request.header.X-User}' } } }

async function gatewayWithUsers(...users: readonly string[]) {
  const { gateway } = await apiGateway({ credential: perUser, top: { admin: { listen: '127.0.0.1:0', ready_when: 'tokens' } } })
  for (const who of users) await (await fetch(`${gateway.url}/api/x`, { headers: { 'X-User': who } })).text()
  return gateway
}

describe('a credential with a token for each identity', () => {
  it('is shown as such, with the number of tokens and nobody by name', async () => {
    const gateway = await gatewayWithUsers('alice', 'bob', 'alice')
    const { body, text } = (await supertest(gateway.adminUrl).get('/status').expect(200)) as unknown as {
      body: Status
      text: string
    }
    expect(body.credentials).toEqual([
      expect.objectContaining({
        name: 'main',
        state: 'fresh',
        fingerprint: null,
        expires: null,
        last_error: null,
        identities: { fields: ['x-user'], tokens: 2 },
      }),
    ])
    const page = await supertest(gateway.adminUrl).get('/').expect(200)
    expect(page.text).toMatch(/2 tokens<.*One token for each x-user that callers send\./s)
    expect(page.text).not.toContain('Renew now')
    expect(text + page.text).not.toMatch(/alice|bob/)
  })

  it('cannot be renewed by its name: 409, and nothing is asked', async () => {
    const gateway = await gatewayWithUsers('alice')
    const { body } = (await supertest(gateway.adminUrl).post('/credentials/main/renew').expect(409)) as unknown as {
      body: Record<string, unknown>
    }
    expect(body).toMatchObject({ credential: 'main', error: expect.stringContaining('a token for each identity') as unknown })
    expect(await gateway.metric('bearerd_token_requests_total{credential="main",outcome="success"}')).toBe(1)
  })

  it('is nothing to wait for before the gateway is ready', async () => {
    const gateway = await gatewayWithUsers()
    await supertest(gateway.adminUrl).get('/readyz').expect(200)
  })
})

describe('a credential with one token for all', () => {
  it('says so in the status', async () => {
    const { gateway } = await apiGateway()
    const { body } = (await supertest(gateway.adminUrl).get('/status').expect(200)) as unknown as { body: Status }
    expect(body.credentials[0]).toMatchObject({ name: 'main', identities: null })
  })
})
