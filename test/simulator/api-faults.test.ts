import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { providerNames } from '../../src/simulator/clients.ts'
import type { Faults } from '../../src/simulator/fault-table.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { authorization, call, echoPaths, expectNoAnswer, newToken, runningSimulator, send } from './running-simulator.ts'

const echo = (simulator: Simulator, token: string): ReturnType<typeof call> => call(simulator, 'uber', echoPaths.uber, { token })

const open = async (simulator: Simulator, token: string, signal?: AbortSignal): Promise<Response> => {
  const init = { headers: { authorization: `Bearer ${token}` }, ...(signal === undefined ? {} : { signal }) }
  return await fetch(`${simulator.url}${echoPaths.uber}`, init)
}

// A fault without a line here does not compile.
const faults: Record<Exclude<Faults['api_fault'], 'none'>, (simulator: Simulator, token: string) => Promise<void>> = {
  500: async (simulator, token) =>
    expect(await echo(simulator, token)).toMatchObject({ status: 500, json: { code: 'server_error' } }),
  drop: async (simulator, token) => expect(await open(simulator, token).catch(() => 'dropped')).toBe('dropped'),
  drop_after_head: async (simulator, token) => {
    const response = await open(simulator, token)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow('terminated')
  },
  hang: async (simulator, token) => {
    const caller = new AbortController()
    const pending = open(simulator, token, caller.signal)
    await expect.poll(() => simulator.provider('uber').stats.apiRequests).toBe(1)
    await expectNoAnswer(simulator, pending, caller)
  },
}

describe.each(Object.entries(faults))('api_fault %s', (fault, check) => {
  test('makes the API call fail and leaves the token alone', async () => {
    const simulator = await runningSimulator()
    const uber = simulator.provider('uber')
    const token = await newToken(simulator, 'uber')
    uber.faults.set({ api_fault: fault as Faults['api_fault'] })
    await check(simulator, token)
    uber.faults.reset()
    expect((await echo(simulator, token)).status).toBe(200)
    expect(uber.stats).toMatchObject({ tokenRequests: 1, apiRequests: 2, apiRefused: 0 })
  })
})

test('api_401 refuses every token for ever', async () => {
  const simulator = await runningSimulator()
  simulator.provider('uber').faults.set({ api_401: true })
  for (let calls = 0; calls < 3; calls += 1) {
    expect((await echo(simulator, await newToken(simulator, 'uber'))).status).toBe(401)
  }
  expect(simulator.provider('uber').stats).toMatchObject({ apiRequests: 3, apiRefused: 3, liveTokens: 3 })
})

test('api_401_paths refuses at and below its paths, on segment boundaries', async () => {
  const simulator = await runningSimulator()
  simulator.provider('uber').faults.set({ api_401_paths: ['/v1/business/trips'] })
  const token = await newToken(simulator, 'uber')
  const status = async (path: string): Promise<number> => (await call(simulator, 'uber', path, { token })).status
  expect(await status('/uber/v1/business/trips')).toBe(401)
  expect(await status('/uber/v1/business/trips/t-1/receipt?x=1')).toBe(401)
  expect(await status('/uber/v1/business/trips2')).toBe(404)
  expect(await status(echoPaths.uber)).toBe(200)
})

test('rate_limit_per_second is there for every provider', async () => {
  const simulator = await runningSimulator()
  simulator.provider('uber').faults.set({ rate_limit_per_second: 0 })
  expect(await echo(simulator, await newToken(simulator, 'uber'))).toMatchObject({
    status: 429,
    json: { code: 'rate_limited', message: 'Exceeded rate limit' },
  })
})

test('api_delay_ms holds the answer back', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'uber')
  simulator.provider('uber').faults.set({ api_delay_ms: 60 })
  const startedMs = performance.now()
  expect((await echo(simulator, token)).status).toBe(200)
  // Node's timers may fire a millisecond early.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(58)
})

describe.each(providerNames)('%s', (name) => {
  test('echoes what it received, but never the token', async () => {
    const simulator = await runningSimulator()
    const token = await newToken(simulator, name)
    const target = `${echoPaths[name]}?a=%2F&b`
    const headers = { authorization: authorization(name, token), 'X-Request-ID': 'r1', 'content-type': 'text/odd' }
    const { status, text, json } = await send(simulator, target, { method: 'PATCH', headers, body: 'héllo' })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      method: 'PATCH',
      target,
      body_bytes: 6,
      body_sha256: createHash('sha256').update('héllo').digest('hex'),
    })
    expect(json['headers']).toContainEqual(['authorization', '***'])
    expect(json['headers']).toContainEqual(['X-Request-ID', 'r1'])
    expect(text).not.toContain(token)
  })

  test('wants a token of its own at every path, and knows when it is dead', async () => {
    const simulator = await runningSimulator()
    const token = await newToken(simulator, name)
    expect((await send(simulator, echoPaths[name])).status).toBe(401)
    expect((await send(simulator, `/${name}/anything`)).status).toBe(401)
    const foreign = await newToken(simulator, name === 'uber' ? 'gett' : 'uber')
    expect((await call(simulator, name, echoPaths[name], { token: foreign })).status).toBe(401)
    expect((await call(simulator, name, echoPaths[name], { token })).status).toBe(200)
    expect(simulator.provider(name).revokeAll()).toBe(1)
    expect((await call(simulator, name, echoPaths[name], { token })).status).toBe(401)
  })
})

test('a body of 256 MiB is counted and hashed in flat memory', async () => {
  const simulator = await runningSimulator()
  const headers = { authorization: await newToken(simulator, 'getnet') }
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const hash = createHash('sha256')
  const upload = httpRequest(`${simulator.url}${echoPaths.getnet}`, { method: 'POST', headers })
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>
  const rssBefore = process.memoryUsage.rss()
  let rssMost = rssBefore
  for (let sent = 0; sent < 4096; sent += 1) {
    hash.update(chunk)
    if (!upload.write(chunk)) await once(upload, 'drain')
    rssMost = Math.max(rssMost, process.memoryUsage.rss())
  }
  upload.end()
  const [answer] = await answered
  expect(JSON.parse(await text(answer))).toMatchObject({ body_bytes: 256 * 1024 * 1024, body_sha256: hash.digest('hex') })
  // Buffers that wait for the garbage collector are a few dozen MiB, whatever the length of the body.
  expect(rssMost - rssBefore).toBeLessThan(160 * 1024 * 1024)
})

test('a large body at a documented call is forwarded, not examined', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'getnet')
  const body = 'x'.repeat(2 * 1024 * 1024)
  const created = await call(simulator, 'getnet', '/getnet/v1/orders', { token, method: 'POST', body })
  expect(created.status).toBe(201)
})
