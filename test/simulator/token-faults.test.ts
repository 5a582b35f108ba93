import { describe, expect, test } from 'vitest'
import type { TokenFault } from '../../src/simulator/fault-table.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'
import {
  call,
  expectNoAnswer,
  faithfulTokenRequest,
  newToken,
  runningSimulator,
  send,
  standingClock,
  tokenPaths,
} from './running-simulator.ts'

const request = (simulator: Simulator): ReturnType<typeof send> => send(simulator, tokenPaths.gett, faithfulTokenRequest('gett'))

const open = async (simulator: Simulator, signal?: AbortSignal): Promise<Response> => {
  const init = { ...faithfulTokenRequest('gett'), redirect: 'manual' as const, ...(signal === undefined ? {} : { signal }) }
  return await fetch(`${simulator.url}${tokenPaths.gett}`, init)
}

// A fault without a line here does not compile.
const faults: Record<Exclude<TokenFault, 'none'>, (simulator: Simulator) => Promise<void>> = {
  500: async (simulator) => expect(await request(simulator)).toMatchObject({ status: 500, json: { error: 'server_error' } }),
  503: async (simulator) => expect((await request(simulator)).status).toBe(503),
  429: async (simulator) => {
    const { status, fields } = await request(simulator)
    expect([status, fields.get('retry-after')]).toEqual([429, '2'])
  },
  html: async (simulator) => {
    const { status, fields, text } = await request(simulator)
    expect([status, fields.get('content-type'), text[0]]).toEqual([200, 'text/html', '<'])
  },
  empty: async (simulator) => expect(await request(simulator)).toMatchObject({ status: 200, text: '' }),
  cut_json: async (simulator) => {
    const { status, text, json } = await request(simulator)
    expect([status, text[0], json]).toEqual([200, '{', null])
  },
  error_200: async (simulator) =>
    expect(await request(simulator)).toMatchObject({ status: 200, text: '{"error":"temporarily_unavailable"}' }),
  line_break: async (simulator) => {
    const { text, json } = await request(simulator)
    expect(text).toContain('\\r\\n')
    expect(json['access_token']).toMatch(/\r\n/)
  },
  no_token: async (simulator) =>
    expect((await request(simulator)).json).toEqual({ expires_in: 899, scope: '', token_type: 'bearer' }),
  redirect: async (simulator) => {
    const { status, fields } = await request(simulator)
    expect([status, fields.get('location')]).toEqual([302, `${simulator.elsewhere.url}/token`])
  },
  drip: async (simulator) => {
    const response = await open(simulator)
    const chunks: string[] = []
    for await (const chunk of response.body ?? []) {
      chunks.push(Buffer.from(chunk as Uint8Array).toString())
      if (chunks.length === 3) break
    }
    expect([response.status, ...chunks]).toEqual([200, ' ', ' ', ' '])
  },
  drop: async (simulator) => expect(await open(simulator).catch(() => 'dropped')).toBe('dropped'),
  drop_after_head: async (simulator) => {
    const response = await open(simulator)
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10)
    await expect(response.text()).rejects.toThrow('terminated')
  },
  hang: async (simulator) => {
    const caller = new AbortController()
    const pending = open(simulator, caller.signal)
    await expect.poll(() => simulator.provider('gett').stats.tokenRequestsRefused).toBe(1)
    await expectNoAnswer(simulator, pending, caller)
  },
  refuse: async (simulator) => expect(await request(simulator)).toMatchObject({ status: 401, json: { error: 'invalid_client' } }),
}

describe.each(Object.entries(faults))('token_fault %s', (fault, check) => {
  test('makes the token request fail and issues no token', async () => {
    const simulator = await runningSimulator()
    const gett = simulator.provider('gett')
    gett.faults.set({ token_fault: fault as TokenFault })
    await check(simulator)
    expect(gett.stats).toMatchObject({ tokenRequests: 1, tokenRequestsRefused: 1, liveTokens: 0 })
    gett.faults.reset()
    expect((await request(simulator)).status).toBe(200)
  })
})

test('refuse is worded as each provider words it', async () => {
  const simulator = await runningSimulator()
  simulator.provider('getnet').faults.set({ token_fault: 'refuse' })
  expect((await send(simulator, tokenPaths.getnet, faithfulTokenRequest('getnet'))).json).toMatchObject({
    status_code: 401,
    details: [{ description_detail: 'CODE 01' }],
  })
})

test('fail_times lets the fault apply to so many token requests and then clears both', async () => {
  const simulator = await runningSimulator()
  const { faults: switches } = simulator.provider('gett')
  switches.set({ token_fault: '503', fail_times: 2 })
  expect((await request(simulator)).status).toBe(503)
  expect((await request(simulator)).status).toBe(503)
  expect((await request(simulator)).status).toBe(200)
  expect(switches.current).toMatchObject({ token_fault: 'none', fail_times: null })
})

test.each([
  [60, 60],
  ['60', '60'],
  [0, 0],
  [-1, -1],
  ['soon', 'soon'],
  [{ odd: [1] }, { odd: [1] }],
  [null, undefined],
])('expires_in %j is announced as it is', async (announced, received) => {
  const simulator = await runningSimulator()
  simulator.provider('gett').faults.set({ expires_in: announced })
  const { json } = await request(simulator)
  expect(json['expires_in']).toEqual(received)
  expect(Object.hasOwn(json, 'expires_in')).toBe(received !== undefined)
})

test('lifetime_seconds is how long a token truly lives, whatever is announced', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  simulator.provider('gett').faults.set({ lifetime_seconds: 5 })
  expect((await request(simulator)).json['expires_in']).toBe(899)
  const token = await newToken(simulator, 'gett')
  clock.advance(4999)
  expect((await call(simulator, 'gett', '/gett/v1/echo', { token })).status).toBe(200)
  clock.advance(1)
  expect((await call(simulator, 'gett', '/gett/v1/echo', { token })).status).toBe(401)
})

test('a clock that jumps forward lets tokens expire', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'uber')
  simulator.provider('uber').faults.set({ clock_offset_seconds: 2_592_000 })
  expect((await call(simulator, 'uber', '/uber/v1/business/echo', { token })).status).toBe(401)
})

test('same_token answers with the same token and what is left of its life, until it dies', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  simulator.provider('gett').faults.set({ same_token: true })
  const first = await request(simulator)
  clock.advance(100_000)
  const second = await request(simulator)
  expect(second.json).toEqual({ ...first.json, expires_in: 799 })
  expect(await newToken(simulator, 'gett', 'order')).not.toBe(first.json['access_token'])
  clock.advance(800_000)
  expect((await request(simulator)).json['access_token']).not.toBe(first.json['access_token'])
})

test('token_delay_ms holds the answer back, and a caller that leaves gets no token', async () => {
  const simulator = await runningSimulator()
  const { faults: switches } = simulator.provider('gett')
  switches.set({ token_delay_ms: 60 })
  const startedMs = performance.now()
  expect((await request(simulator)).status).toBe(200)
  // Node's timers may fire a millisecond early.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(58)
  switches.set({ token_delay_ms: 60_000 })
  const caller = new AbortController()
  const pending = open(simulator, caller.signal)
  await expect.poll(() => simulator.provider('gett').stats.tokenRequests).toBe(2)
  await expectNoAnswer(simulator, pending, caller)
  expect(simulator.provider('gett').stats.liveTokens).toBe(1)
})

test('token_requests_per_hour and max_live_tokens are there for every provider', async () => {
  const simulator = await runningSimulator()
  const { faults: switches } = simulator.provider('getnet')
  switches.set({ token_requests_per_hour: 2, max_live_tokens: 1 })
  const token = await newToken(simulator, 'getnet')
  await newToken(simulator, 'getnet')
  expect((await call(simulator, 'getnet', '/getnet/v1/echo', { token })).status).toBe(401)
  expect(await send(simulator, tokenPaths.getnet, faithfulTokenRequest('getnet'))).toMatchObject({
    status: 429,
    json: { status_code: 429 },
  })
})
