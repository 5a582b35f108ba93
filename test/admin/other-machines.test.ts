import { networkInterfaces } from 'node:os'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway } from '../support/cli-admin-gateway.ts'

/** An address of this machine that is not loopback: who connects to it comes from it, as from another machine. */
const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address

describe.skipIf(ownAddress === undefined)('an admin interface that other machines reach', () => {
  const onEveryAddress = { top: { admin: { listen: '0.0.0.0:0' } } }

  it('lets them look, but change nothing', async () => {
    const { gateway, endpoint } = await apiGateway(onEveryAddress)
    const outside = gateway.adminUrl.replace('127.0.0.1', String(ownAddress))
    await supertest(outside).get('/status').expect(200)
    const { text } = await supertest(outside).post('/credentials/main/renew').expect(403)
    expect(text).toContain('machine')
    expect(endpoint.requests).toHaveLength(0)
  })

  it('still lets its own machine', async () => {
    const { gateway, endpoint } = await apiGateway(onEveryAddress)
    await supertest(gateway.adminUrl).post('/credentials/main/renew').expect(200)
    expect(endpoint.requests).toHaveLength(1)
  })
})
