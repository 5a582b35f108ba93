import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration, parseSize } from '../../src/config/quantities.ts'
import { configOf, placesOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'

const factors = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const sizes = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const

describe('durations', () => {
  it('are a number and a unit (property)', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.constantFrom(...(Object.keys(factors) as (keyof typeof factors)[])), (count, unit) => {
        expect(parseDuration(`${count}${unit}`)).toBe(count * factors[unit])
      }),
    )
  })

  it.each([
    '',
    '5',
    's',
    '5 s',
    ' 5s',
    '5s ',
    '-5s',
    '+5s',
    '5S',
    '5sec',
    '1h30m',
    '1e3s',
    '.5s',
    '5.s',
    'Infinitys',
    'NaNs',
    '٥s',
    '5s\n',
    '0x5s',
    '1_000s',
    '99999999999999999999h',
  ])('are refused without a unit or with another one: %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it('may have a fraction', () => {
    expect(parseDuration('1.5s')).toBe(1_500)
    expect(parseDuration('0.5m')).toBe(30_000)
  })

  it('are never anything but a safe whole number of milliseconds, or refused (property)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,25}(\.\d{1,5})?(ms|s|m|h)$/)), (text) => {
        const value = parseDuration(text)
        expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
      }),
    )
  })

  it.each([
    'shutdown: {grace: 600h}',
    'shutdown: {delay: 600h}',
    'limits: {idle: 600h}',
    'limits: {header_time: 600h}',
    'limits: {body_idle: 600h}',
  ])('longer than a timer of the platform can be are refused where a timer would fire at once instead: %s', (line) => {
    expect(placesOf(withTop(line))).toHaveLength(1)
  })

  it.each(['connect', 'response', 'idle'])('longer than a timer can be are refused for timeouts.%s', (name) => {
    expect(placesOf(withRoute(`timeouts: {${name}: 600h}`))).toEqual([expect.stringContaining(`routes[0].timeouts.${name}`)])
  })

  it('longer than a timer can be are refused for the deadline of a token request', () => {
    expect(placesOf(withCredential('token_request: {timeout: 600h}'))).toHaveLength(1)
  })

  it('of nothing are fine for a shutdown that does not wait', () => {
    expect(configOf(withTop('shutdown: {delay: 0s, grace: 0s}')).shutdown).toEqual({ delay: 0, grace: 0 })
  })

  it.each(['connect', 'response', 'idle'])('of nothing are refused for timeouts.%s, which would fail every request', (name) => {
    expect(placesOf(withRoute(`timeouts: {${name}: 0s}`))).toHaveLength(1)
  })

  it('of nothing are refused for the deadline of a token request', () => {
    expect(placesOf(withCredential('token_request: {timeout: 0s}'))).toHaveLength(1)
  })

  it('longer than a timer can be are fine where tokens live that long', () => {
    expect(
      configOf(withCredential('token_response: {expires: {max: 8760h, default: 720h}}')).credentials.get('main')?.token_response
        .expires,
    ).toMatchObject({
      max: 8_760 * 3_600_000,
      default: 720 * 3_600_000,
    })
  })
})

describe('sizes', () => {
  it('are a number and a unit, or a plain number of bytes (property)', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.constantFrom(...(Object.keys(sizes) as (keyof typeof sizes)[])), (count, unit) => {
        expect(parseSize(`${count}${unit}`)).toBe(count * sizes[unit])
        expect(parseSize(String(count))).toBe(count)
      }),
    )
  })

  it.each(['', 'KiB', '1KB', '1kb', '1K', '1 KiB', '-1', '1.5', '1e3', '٣', '1GiB ', '99999999999GiB'])(
    'are refused in other units: %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined()
    },
  )

  it('are never anything but a safe whole number of bytes, or refused (property)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,25}(B|KiB|MiB|GiB)?$/)), (text) => {
        const value = parseSize(text)
        expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
      }),
    )
  })

  it('may be numbers in YAML', () => {
    expect(configOf(withTop('replay_memory: 4096')).replay_memory).toBe(4_096)
    expect(configOf(withRoute('replay: {max_body: 0}')).routes[0]?.replay).toEqual({ max_body: 0 })
    expect(placesOf(withTop('replay_memory: -1'))).toEqual(['10:16 replay_memory'])
    expect(placesOf(withTop('replay_memory: 1.5'))).toEqual(['10:16 replay_memory'])
    expect(placesOf(withTop('replay_memory: .inf'))).toEqual(['10:16 replay_memory'])
    expect(placesOf(withTop('replay_memory: .nan'))).toEqual(['10:16 replay_memory'])
  })
})

describe('defaults', () => {
  it('are those of the contract', () => {
    const config = configOf(withTop())
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080, isLoopback: true },
      admin: { listen: { host: '127.0.0.1', port: 9090 }, ready_when: 'config' },
      hosts: [],
      origins: [],
      token_store: { kind: 'memory', max_tokens: 10_000 },
      replay_memory: 64 * 1_048_576,
      limits: {
        headers: 16_384,
        header_count: 200,
        target: 8_192,
        connections: 10_000,
        idle: 60_000,
        header_time: 15_000,
        body_idle: 30_000,
      },
      shutdown: { delay: 0, grace: 30_000 },
      via: 'bearerd',
      access_log: { mode: 'on', query: false },
    })
    expect(config.routes[0]).toMatchObject({
      label: '/api',
      timeouts: { connect: 5_000, response: 60_000, idle: 60_000 },
      replay: { max_body: 1_048_576 },
      rewrite: { location: true, cookies: true },
      max_connections: 256,
      headers: { set: {}, remove: [] },
      query: { set: {} },
      insecure_http: false,
    })
    expect(config.credentials.get('main')).toMatchObject({
      grant_type: 'client_credentials',
      token_endpoint_auth_method: 'client_secret_basic',
      variables: {},
      token_request: {
        method: 'POST',
        encoding: 'form',
        timeout: 10_000,
        basic_encoding: 'form',
        headers: {},
        query: {},
        params: {},
      },
      token_response: {
        access_token: '/access_token',
        expires: { at: '/expires_in', as: 'seconds', default: 300_000 },
        ok_when: {},
      },
      rejected_when: [{ status: 401 }],
      min_reissue_interval: 0,
    })
    expect(config.credentials.get('main')?.inject.map((target) => ('header' in target ? target.header : ''))).toEqual([
      'Authorization',
    ])
  })
})
