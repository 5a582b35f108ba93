import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { providerNames } from '../../src/simulator/clients.ts'
import { FaultSwitchError } from '../../src/simulator/fault-switches.ts'
import { faultTable } from '../../src/simulator/fault-table.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import type { SimulatedProvider } from '../../src/simulator/simulator.ts'
import { call, echoPaths, faithfulTokenRequest, newToken, runningSimulator, send, tokenPaths } from './running-simulator.ts'

test('the control interface shows every provider', async () => {
  const simulator = await runningSimulator()
  await newToken(simulator, 'uber')
  const { status, json } = await send(simulator, '/_control')
  expect(status).toBe(200)
  expect(Object.keys(json['providers'] as object)).toEqual([...providerNames])
  expect(json).toMatchObject({
    providers: {
      uber: { live_tokens: 1, stats: { token_requests: 1, token_requests_refused: 0, api_requests: 0, api_refused: 0 } },
    },
    elsewhere: { url: simulator.elsewhere.url, requests: 0, tokens_seen: 0 },
  })
  expect(await send(simulator, '/_control/uber')).toMatchObject({ json: { live_tokens: 1, faults: { max_live_tokens: 100 } } })
})

test('revoke kills every token of one provider', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'gett')
  const other = await newToken(simulator, 'uber')
  expect(await send(simulator, '/_control/gett/revoke', { method: 'POST' })).toMatchObject({ status: 200, json: { revoked: 1 } })
  expect((await call(simulator, 'gett', echoPaths.gett, { token })).status).toBe(401)
  expect((await call(simulator, 'uber', echoPaths.uber, { token: other })).status).toBe(200)
})

test('switches are merged, shown, and cleared', async () => {
  const simulator = await runningSimulator()
  const put = (switches: unknown): ReturnType<typeof send> =>
    send(simulator, '/_control/gett/faults', { method: 'PUT', body: JSON.stringify(switches) })
  await put({ api_401: true })
  expect(await put({ expires_in: null, rate_limit_per_second: null })).toMatchObject({
    status: 200,
    json: { api_401: true, expires_in: null, rate_limit_per_second: null },
  })
  const shown = await send(simulator, '/_control/gett/faults')
  expect(await put(shown.json)).toMatchObject({ status: 200, json: shown.json })
  const { json } = await send(simulator, '/_control/gett/faults', { method: 'DELETE' })
  expect(json).toMatchObject({ api_401: false, rate_limit_per_second: 16 })
  expect(json).not.toHaveProperty('expires_in')
})

test('unknown switches and bad values are all named at once, and nothing is set', async () => {
  const simulator = await runningSimulator()
  const body = JSON.stringify({ api_401: true, api_402: true, token_fault: 'explode', reads_per_hour: 1 })
  const { status, json } = await send(simulator, '/_control/gett/faults', { method: 'PUT', body })
  expect(status).toBe(400)
  expect(json['problems']).toEqual([
    'unknown switch "api_402"',
    expect.stringMatching(/^"token_fault" must be one of "none", .*, not "explode"$/),
    '"reads_per_hour" has an effect on getbill only',
  ])
  expect(json['known_switches']).toHaveProperty('token_fault')
  expect(json['known_switches']).not.toHaveProperty('reads_per_hour')
  expect(simulator.provider('gett').faults.current.api_401).toBe(false)
  for (const garbage of ['', '[]', '{"api_401":', '"x"']) {
    expect((await send(simulator, '/_control/gett/faults', { method: 'PUT', body: garbage })).status).toBe(400)
  }
})

test.each([
  ['token_fault', 500],
  ['fail_times', 0],
  ['fail_times', 1.5],
  ['api_401_paths', 'v1'],
  ['api_401_paths', ['v1']],
  ['api_delay_ms', 2 ** 31],
  ['lifetime_seconds', -1],
  ['clock_offset_seconds', '5'],
  ['__proto__', {}],
  ['toString', 1],
])('switch %s cannot be %j', async (name, value) => {
  const simulator = await runningSimulator()
  expect(() => simulator.provider('gett').faults.set(Object.fromEntries([[name, value]]))).toThrow(FaultSwitchError)
})

test('every default is a value that its switch accepts', () => {
  for (const { accepts, byDefault } of Object.values(faultTable)) expect(accepts(byDefault)).toBe(true)
})

test('a provider carries the client that it knows, and its own counts', async () => {
  const simulator = await runningSimulator()
  const uber: SimulatedProvider<'uber'> = simulator.provider('uber')
  await newToken(simulator, 'uber')
  expect([uber.name, uber.clientId, uber.clientSecret]).toEqual(['uber', 'uber-demo-client', 'uber-demo-secret'])
  expect(uber.stats).toEqual({ tokenRequests: 1, tokenRequestsRefused: 0, apiRequests: 0, apiRefused: 0, liveTokens: 1 })
  uber.reset()
  expect(uber.stats).toMatchObject({ tokenRequests: 0, liveTokens: 0 })
})

test('reset makes everything as if just started', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'uber')
  await fetch(simulator.elsewhere.url, { headers: { authorization: `Bearer ${token}` } })
  simulator.provider('uber').faults.set({ token_fault: '500' })
  const { status, json } = await send(simulator, '/_control/reset', { method: 'POST' })
  expect(status).toBe(200)
  expect(json).toMatchObject({
    providers: { uber: { live_tokens: 0, stats: { token_requests: 0 }, faults: { token_fault: 'none' } } },
    elsewhere: { tokens_seen: 0 },
  })
  expect((await call(simulator, 'uber', echoPaths.uber, { token })).status).toBe(401)
})

test('what is not there is 404 and says what is, and another method is 405', async () => {
  const simulator = await runningSimulator()
  for (const path of ['/_control/lyft', '/_control/uber/tokens', '/_control/uber/faults/api_401']) {
    expect(await send(simulator, path)).toMatchObject({ status: 404, json: { known_providers: [...providerNames] } })
  }
  const get = await send(simulator, '/_control/uber/revoke')
  expect([get.status, get.fields.get('allow')]).toEqual([405, 'POST'])
  expect((await send(simulator, '/')).json['providers']).toContain(`${simulator.url}/gett`)
  expect((await send(simulator, '/elsewhere')).status).toBe(404)
})

test('a caller that leaves in the middle of its body does no harm', async () => {
  const simulator = await runningSimulator()
  const socket = connect(simulator.port, '127.0.0.1')
  socket.write(`POST ${tokenPaths.gett} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf`)
  await expect.poll(() => simulator.provider('gett').stats.tokenRequests).toBe(1)
  socket.destroy()
  expect((await send(simulator, tokenPaths.gett, faithfulTokenRequest('gett'))).status).toBe(200)
})

test('close destroys connections that are idle and connections that hang', async () => {
  const simulator = await startSimulator()
  simulator.provider('gett').faults.set({ api_fault: 'hang' })
  const hanging = connect(simulator.port, '127.0.0.1')
  hanging.on('error', () => undefined).resume()
  hanging.write('GET /gett/v1/echo HTTP/1.1\r\nHost: x\r\n\r\n')
  await expect.poll(() => simulator.provider('gett').stats.apiRequests).toBe(1)
  const closed = once(hanging, 'close')
  await simulator.close()
  await closed
})

test('a port that is taken is an error, and leaves nothing open', async () => {
  const simulator = await runningSimulator()
  await expect(startSimulator({ port: simulator.port })).rejects.toThrow('EADDRINUSE')
})

test('two hundred callers at once are all answered', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'getnet')
  const answers = await Promise.all(Array.from({ length: 200 }, () => call(simulator, 'getnet', echoPaths.getnet, { token })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
})
