import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { TokenStoreConfig } from '../../src/config/schema/token-store.ts'
import { Secret } from '../../src/config/secret.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { systemClock } from '../../src/tokens/clock.ts'
import type { RedisStoreParts, RedisTokenStore } from '../../src/tokens/store/redis/redis-store.ts'
import { createRedisStore } from '../../src/tokens/store/redis/redis-store.ts'
import { redisTiming } from '../../src/tokens/store/redis/redis-timing.ts'
import type { RedisTiming } from '../../src/tokens/store/redis/redis-timing.ts'

/** A store on Redis, as one replica has it, and what it said. */
export interface RedisStoreUnderTest {
  readonly store: RedisTokenStore
  /** What it logged, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[]
  /** Whether Redis answered, at each change. */
  readonly changes: readonly boolean[]
}

/** A key as `openssl rand -base64 32` makes it. */
export function encryptionKey(): Secret {
  return Secret.of(randomBytes(32).toString('base64'))
}

/** The key of all replicas of a test that do not say otherwise. */
export const sharedKey = encryptionKey()

/** What a store is configured with. */
export function redisConfig(url: string, more: Partial<TokenStoreConfig & { kind: 'redis' }> = {}) {
  return { kind: 'redis', max_tokens: 100, url: Secret.of(url), prefix: 'bearerd:', encryption_key: sharedKey, ...more } as const
}

/** For tests that are about something else than deadlines, on machines that are busy. */
export const patient: RedisTiming = { ...redisTiming, answerMs: 2_000, retryMs: 200 }

/** Opens a store as one replica has it; without waiting for Redis. */
export function openRedisStore(
  url: string,
  config: Partial<TokenStoreConfig & { kind: 'redis' }> = {},
  parts: Partial<RedisStoreParts> = {},
): RedisStoreUnderTest {
  const log: Record<string, unknown>[] = []
  const changes: boolean[] = []
  const store = createRedisStore(redisConfig(url, config), {
    clock: systemClock,
    random: () => 0.5,
    log: createLog({ write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
    onChange: (isUp) => void changes.push(isUp),
    timing: patient,
    ...parts,
  })
  return { store, log, changes }
}

/** The same, closed when the test ends. */
export function redisStoreForTest(...of: Parameters<typeof openRedisStore>): RedisStoreUnderTest {
  const under = openRedisStore(...of)
  onTestFinished(() => under.store.close())
  return under
}
