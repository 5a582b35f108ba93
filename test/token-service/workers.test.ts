import { expect, test } from 'vitest'
import { fleetProvider } from '../support/fleet-provider.ts'
import { ask, report } from '../support/token-service.ts'
import { startWithWorkers } from '../support/workers.ts'

test('with workers the token service is in the main process, has the tokens of the routes, and is counted with them', async () => {
  const provider = await fleetProvider()
  const gateway = await startWithWorkers(provider, { top: { token_service: { listen: '127.0.0.1:0' } } })
  const serving = gateway.log().find(({ message }) => message === 'bearerd is serving')
  const url = String(serving?.['token_service'])
  const { authorization = '' } = (await ask(url, '/authorize/main')).headers
  expect((await fetch(`${gateway.url}/a`)).status).toBe(200)
  expect(provider.tokenRequests).toHaveLength(1)

  const renewed = await report(url, authorization)
  expect(renewed.status).toBe(200)
  expect(renewed.headers.authorization).not.toBe(authorization)
  expect((await fetch(`${gateway.url}/a`)).status).toBe(200)
  expect(provider.tokenRequests).toHaveLength(2)
  expect(await gateway.metric('bearerd_token_service_requests_total{credential="main",operation="reject",code="200"}')).toBe(1)
  expect(await gateway.metric('bearerd_token_rejections_total{credential="main",outcome="renewed"}')).toBe(1)

  gateway.signal('SIGTERM')
  expect(await gateway.finished).toMatchObject({ code: 0 })
  await expect(ask(url, '/authorize/main')).rejects.toThrow()
})
