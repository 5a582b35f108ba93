import { networkInterfaces } from 'node:os'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway } from '../support/cli-admin-gateway.ts'

const key = 'canary-key-of-ops'
const top = { admin: { listen: '127.0.0.1:0', callers: [{ name: 'ops', api_key: key }] } }

const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address

describe('an admin interface with callers', () => {
  it('shows everybody its probes, in every spelling that is one', async () => {
    const { gateway } = await apiGateway({ top })
    for (const path of ['/livez', '/healthz', '/readyz', '/readyz?verbose'])
      await supertest(gateway.adminUrl).get(path).expect(200)
    await supertest(gateway.adminUrl).head('/livez').expect(200)
  })

  it('shows nothing else to who is not known', async () => {
    const { gateway, endpoint } = await apiGateway({ top })
    for (const path of [
      '/',
      '/status',
      '/STATUS',
      '/status/',
      '/metrics',
      '//metrics',
      '/livez/../status',
      '/nothing',
      '/%73tatus',
    ]) {
      const { text, headers } = await supertest(gateway.adminUrl).get(path).set('X-Bearerd-Key', 'wrong').expect(401)
      expect(headers['www-authenticate']).toBe('Bearer realm="bearerd", Basic realm="bearerd"')
      expect(text).not.toContain('main')
    }
    await supertest(gateway.adminUrl).post('/credentials/main/renew').expect(401)
    await supertest(gateway.adminUrl).post('/livez').expect(401)
    expect(endpoint.requests).toHaveLength(0)
  })

  it('takes a key in each of three ways', async () => {
    const { gateway, endpoint } = await apiGateway({ top })
    await supertest(gateway.adminUrl).get('/status').auth('ops', key).expect(200)
    await supertest(gateway.adminUrl).get('/metrics').set('Authorization', `Bearer ${key}`).expect(200)
    await supertest(gateway.adminUrl).get('/').set('X-Bearerd-Key', key).expect(200)
    await supertest(gateway.adminUrl).post('/credentials/main/renew').set('X-Bearerd-Key', key).expect(200)
    expect(endpoint.requests).toHaveLength(1)
    expect(JSON.stringify(gateway.log)).not.toContain(key)
  })

  it('still refuses the pages of other sites, whose browser may know the password', async () => {
    const { gateway, endpoint } = await apiGateway({ top })
    const foreign = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }
    await supertest(gateway.adminUrl).post('/credentials/main/renew').auth('ops', key).set(foreign).expect(403)
    await supertest(gateway.adminUrl).get('/status').auth('ops', key).set('Host', 'evil.example').expect(421)
    expect(endpoint.requests).toHaveLength(0)
  })
})

describe.skipIf(ownAddress === undefined)('an admin interface with callers that other machines reach', () => {
  it('lets those change something whom it knows', async () => {
    const { gateway, endpoint } = await apiGateway({ top: { admin: { ...top.admin, listen: '0.0.0.0:0' } } })
    const outside = gateway.adminUrl.replace('127.0.0.1', String(ownAddress))
    await supertest(outside).post('/credentials/main/renew').expect(401)
    expect(endpoint.requests).toHaveLength(0)
    await supertest(outside).post('/credentials/main/renew').auth('ops', key).expect(200)
  })
})
