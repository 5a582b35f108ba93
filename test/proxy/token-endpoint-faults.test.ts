import { expect, onTestFinished, test } from 'vitest'
import { simulatedClients } from '../../src/simulator/clients.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'

/** The way of a real user: the preset of Uber, in front of a provider whose token endpoint misbehaves. */
async function uber(
  credential: Record<string, unknown> = {},
): Promise<{ simulator: Simulator; gateway: TestGateway; call: () => Promise<Response> }> {
  const simulator = await startSimulator({})
  onTestFinished(() => simulator.close())
  const { clientId, clientSecret } = simulatedClients.uber
  const gateway = await startTestGateway({
    credentials: {
      uber: {
        provider: 'uber',
        token_endpoint: `${simulator.url}/uber/oauth/v2/token`,
        client_id: clientId,
        client_secret: clientSecret,
        ...credential,
      },
    },
    routes: [{ path: '/uber', credential: 'uber', upstream: `${simulator.url}/uber` }],
  })
  return { simulator, gateway, call: () => fetch(`${gateway.url}/uber/v1/business/echo`) }
}

/** Calls until the answer is good, as a caller that honours Retry-After would, only faster. */
async function recovered(call: () => Promise<Response>): Promise<void> {
  const endMs = performance.now() + 3_000
  while ((await call()).status !== 200) {
    if (performance.now() > endMs) throw new Error('no recovery')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test.each([
  '500',
  '503',
  'html',
  'empty',
  'cut_json',
  'error_200',
  'line_break',
  'no_token',
  'redirect',
  'drip',
  'drop',
  'drop_after_head',
  'hang',
] as const)(
  'a token endpoint with the fault "%s" is an outage with Retry-After, leaks nothing, and is over without a restart',
  async (fault) => {
    const { simulator, gateway, call } = await uber({ token_request: { timeout: '300ms' } })
    simulator.provider('uber').faults.set({ token_fault: fault })
    const answer = await call()
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    const problem = (await answer.json()) as Record<string, unknown>
    expect(problem).toMatchObject({ code: 'token_unavailable', route: '/uber' })
    expect(simulator.provider('uber').stats.apiRequests).toBe(0)
    simulator.provider('uber').faults.reset()
    await recovered(call)
    const told = JSON.stringify([problem, gateway.log]) + (await (await fetch(`${gateway.adminUrl}/status`)).text())
    expect(told).not.toContain(simulatedClients.uber.clientSecret)
    expect(told).not.toMatch(/<html|<!doctype/i)
    expect(simulator.elsewhere.requests).toBe(0)
  },
)

test('a token endpoint that limits the rate is asked again after its Retry-After and not before', async () => {
  const { simulator, call } = await uber()
  simulator.provider('uber').faults.set({ token_fault: '429', fail_times: 1 })
  expect((await call()).headers.get('retry-after')).toBe('2')
  expect((await call()).status).toBe(503)
  expect(simulator.provider('uber').stats.tokenRequests).toBe(1)
})

test("a wrong secret is the operator's error, says what to check, and is not tried again at once", async () => {
  const { simulator, call } = await uber({ client_secret: 'not-the-secret' })
  const answer = await call()
  expect(answer.status).toBe(502)
  expect(await answer.json()).toMatchObject({
    code: 'token_refused',
    detail: expect.stringMatching(/credential uber.*401 invalid_client.*client_secret/) as string,
  })
  for (let again = 0; again < 10; again++) expect((await call()).status).toBe(502)
  expect(simulator.provider('uber').stats.tokenRequests).toBe(1)
})

test.each([null, '3600', 0, -1, 1e308, 2_592_000, 'soon', true])('an expires_in of %j is survived', async (announced) => {
  const { simulator, gateway, call } = await uber()
  simulator.provider('uber').faults.set({ expires_in: announced })
  for (let again = 0; again < 5; again++) expect((await call()).status).toBe(200)
  expect(simulator.provider('uber').stats.tokenRequests).toBe(1)
  expect(await gateway.metric('bearerd_token_expiry_timestamp_seconds{credential="uber"}')).toBeGreaterThan(Date.now() / 1000)
})

test("while its token endpoint is down, callers of a revoked token get the provider's own 401, and answers again without a restart", async () => {
  const { simulator, call } = await uber()
  expect((await call()).status).toBe(200)
  simulator.provider('uber').faults.set({ token_fault: 'drop' })
  simulator.provider('uber').revokeAll()
  const answer = await call()
  expect(answer.status).toBe(401)
  expect(answer.headers.get('proxy-status')).toMatch(/^bearerd; received-status=401/)
  expect(await answer.json()).toMatchObject({ code: 'unauthorized' })
  simulator.provider('uber').faults.reset()
  await recovered(call)
})
