import { onTestFinished } from 'vitest'
import { parseUpstreamUrl } from '../../src/config/schema/url.ts'
import { Secret } from '../../src/config/secret.ts'
import { Attempt } from '../../src/proxy/upstream/attempt.ts'
import type { AttemptEvents } from '../../src/proxy/upstream/attempt.ts'
import type { Answer } from '../../src/proxy/upstream/answer.ts'
import { ConnectionPool } from '../../src/proxy/upstream/http1/connection-pool.ts'
import type { PoolOptions } from '../../src/proxy/upstream/http1/connection-pool.ts'
import { UpstreamTls } from '../../src/proxy/upstream/http1/upstream-tls.ts'
import { Http2Pool } from '../../src/proxy/upstream/http2/http2-pool.ts'
import type { Http2PoolOptions } from '../../src/proxy/upstream/http2/http2-pool.ts'
import type { Upstream } from '../../src/proxy/upstream/upstream.ts'
import type { UpstreamPool } from '../../src/proxy/upstream/upstream-pool.ts'
import type { UpstreamRequest } from '../../src/proxy/upstream/upstream-request.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { pemOf } from './certificates.ts'

/** The connections to an upstream; closed when the test ends. */
export function poolTo(url: string, options: Partial<PoolOptions> = {}): ConnectionPool {
  const place = parseUpstreamUrl(url)
  if (typeof place === 'string') throw new Error(place)
  const pool = new ConnectionPool(place, { max: 10, proxy: undefined, tls: undefined, connectMs: 1_000, ...options })
  onTestFinished(() => pool.close())
  return pool
}

/** The connections to an upstream that may speak HTTP/2; closed when the test ends. @param ca file of the authority to trust */
export function http2PoolTo(url: string, ca: string, options: Partial<Http2PoolOptions> = {}): Http2Pool {
  const place = parseUpstreamUrl(url)
  if (typeof place === 'string') throw new Error(place)
  const events = { onChange: () => pool.renew(), log: createLog({ write: () => {} }) }
  const tls = new UpstreamTls({ ca: Secret.of(pemOf(ca)) }, events)
  const pool = new Http2Pool(place, { max: 10, proxy: undefined, tls, connectMs: 2_000, waitMs: 2_000, ...options })
  onTestFinished(() => pool.close())
  return pool
}

/** How many slots nobody has. */
export function freeSlots({ slots }: UpstreamPool): number {
  let free = 0
  while (slots.tryTake()) free++
  for (let taken = 0; taken < free; taken++) slots.give()
  return free
}

/** Has a request answered by the client alone, without a gateway around it. Takes the slot that it needs, unless it has one. */
export function attempt(
  pool: UpstreamPool,
  request: Partial<UpstreamRequest> = {},
  {
    events = {},
    hasSlot = false,
    ...options
  }: { events?: AttemptEvents; upgrade?: boolean; isFresh?: boolean; timeouts?: Upstream['timeouts']; hasSlot?: boolean } = {},
): Attempt {
  if (!hasSlot && !pool.slots.tryTake()) throw new Error('no slot')
  const upstream: Upstream = {
    isTls: false,
    hostname: 'upstream',
    port: 80,
    authority: 'upstream',
    basePath: '',
    pool,
    timeouts: options.timeouts ?? { connect: 5_000, response: 5_000, idle: 5_000 },
    tokenEndpointGuard: () => {},
    close: () => pool.close(),
    retire: () => pool.retire(),
  }
  return new Attempt(
    upstream,
    { method: 'GET', target: '/', fields: ['Host', 'upstream'], contentLength: 0, ...request },
    events,
    options,
  )
}

/** The body of an answer. Rejects with what there was of one that was cut. */
export function textOf({ body }: Answer): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    body.flowTo({
      write: (piece) => (text += piece.toString('latin1')) !== '',
      end: () => resolve(text),
      fail: () => reject(new Error(`cut after: ${text}`)),
    })
  })
}

/** Asks for `/`, and takes the whole answer. */
export async function ask(pool: UpstreamPool): Promise<string> {
  const asked = attempt(pool)
  asked.end()
  return textOf(await asked.answer)
}
