import { expect, it } from 'vitest'
import type { Status } from '../../src/admin/status.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { startWithWorkers } from '../support/workers.ts'

it('the status of a gateway with workers is that of all of them: routes, ways of requests, what happened to the token', async () => {
  const provider = await fleetProvider()
  const gateway = await startWithWorkers(provider)
  for (let count = 0; count < 10; count++)
    await (await fetch(`${gateway.url}/api/a`, { headers: { connection: 'close' } })).text()
  provider.revokeAll()
  for (let count = 0; count < 4; count++) await (await fetch(`${gateway.url}/api/b`, { headers: { connection: 'close' } })).text()
  const status = (await (await fetch(`${gateway.adminUrl}/status`)).json()) as Status
  expect(status.routes).toMatchObject([{ path: '/api', in_flight: 0, last_hour: { requests: 14, server_errors: 0 } }])
  const [{ history, fingerprint }] = status.credentials as [Status['credentials'][number]]
  expect(history).toMatchObject([
    { event: 'obtained', purpose: 'rejection', route: '/api', count: 1 },
    { event: 'obtained', purpose: 'callers', route: null },
  ])
  expect(fingerprint).toMatch(/^[0-9a-f]{12}$/)
  expect(status.recent_requests).toHaveLength(14)
  expect(status.recent_requests.filter(({ first_attempt }) => first_attempt !== null)).toMatchObject([
    { replay: 'accepted', first_attempt: { status: 401 } },
  ])
  const page = await (await fetch(`${gateway.adminUrl}/`)).text()
  expect(page).toContain('14 requests in the last hour')
})
