import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { stringify } from 'yaml'
import { start } from './cli-process.ts'
import type { Started } from './cli-process.ts'
import { scratch } from './cli-scratch.ts'
import { tally } from './fleet-load.ts'
import type { Answer } from './fleet-load.ts'
import type { FleetProvider } from './fleet-provider.ts'
import type { RedisAdmin, RedisServer } from './redis-server.ts'
import { encryptionKey } from './redis-store.ts'

/** The client secret of every fleet; must never be seen. */
export const canarySecret = 'canary-client-secret'

/** One process of a fleet, `bearerd serve`. */
export interface Replica extends Started {
  /** The route of the fleet, `/api`. */
  readonly url: string
  readonly adminUrl: string
  /** Everything logged so far, parsed. */
  log(): readonly Readonly<Record<string, unknown>>[]
  /** The value of one series as scraped; undefined when absent. */
  metric(series: string): Promise<number | undefined>
}

/** A configuration file that every process of a fleet gets: one credential, `main`, and one route, `/api`. */
export interface FleetConfig {
  readonly credential?: Readonly<Record<string, unknown>>
  readonly top?: Readonly<Record<string, unknown>>
}

/** The configuration of a fleet on one Redis; without one each process has its memory. */
export function fleetConfig(
  provider: Pick<FleetProvider, 'apiUrl' | 'tokenUrl'>,
  redis: Pick<RedisServer, 'url'> | undefined,
  { credential = {}, top = {} }: FleetConfig = {},
): Readonly<Record<string, unknown>> {
  return {
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    shutdown: { grace: '5s' },
    ...(redis !== undefined && { token_store: { redis: { url: redis.url, encryption_key: encryptionKey().reveal() } } }),
    credentials: {
      main: { token_endpoint: provider.tokenUrl, client_id: 'client', client_secret: canarySecret, ...credential },
    },
    routes: [{ path: '/api', upstream: provider.apiUrl, credential: 'main' }],
    ...top,
  }
}

/** Starts one process and waits until it serves. */
export async function startReplica(config: Readonly<Record<string, unknown>>): Promise<Replica> {
  const file = scratch().write('proxy.config.yaml', stringify(config))
  const process = start(['serve', '-c', file])
  const [line] = await process.untilOutput(/^\{.*"bearerd is serving".*\}$/m)
  const { listen, admin } = JSON.parse(line) as { readonly listen: string; readonly admin: string }
  return {
    ...process,
    url: `${listen}/api`,
    adminUrl: admin,
    log: () =>
      process
        .output()
        .stdout.split('\n')
        // The last line may not be whole yet.
        .slice(0, -1)
        .map((text) => JSON.parse(text) as Record<string, unknown>),
    metric: async (series) => {
      const body = await (await fetch(`${admin}/metrics`)).text()
      const found = body.split('\n').find((candidate) => candidate.startsWith(`${series} `))
      return found === undefined ? undefined : Number(found.slice(series.length + 1))
    },
  }
}

/** Starts a fleet: processes with one and the same configuration, whose Redis, if they have one, answers. */
export async function startFleet(size: number, config: Readonly<Record<string, unknown>>): Promise<readonly Replica[]> {
  const fleet = await Promise.all(Array.from({ length: size }, async () => await startReplica(config)))
  if ('token_store' in config) await untilStoreUp(fleet, 1)
  return fleet
}

/** Waits until every replica says that its Redis answers, or that it does not. */
export async function untilStoreUp(fleet: readonly Replica[], value: 0 | 1): Promise<void> {
  const series = 'bearerd_token_store_up{store="redis"}'
  for (const replica of fleet) await until(`${series} is ${value}`, async () => (await replica.metric(series)) === value)
}

/**
 * Expects so many token requests. On a machine that is so busy that Redis does not answer within 100 ms, a replica may rightly be
 * on its own for a while: each time that one says so, and only then, there may be more.
 */
export function expectTokenRequests(
  provider: Pick<FleetProvider, 'tokenRequests'>,
  count: number,
  fleet: readonly Replica[],
): void {
  expect(provider.tokenRequests.length).toBeGreaterThanOrEqual(count)
  expect(provider.tokenRequests.length).toBeLessThanOrEqual(count + 2 * outagesOf(fleet))
}

/**
 * Expects every answer to be good. After such a time replicas may have had tokens of their own, all refused at once, and then a
 * replay with that of another is refused too.
 */
export function expectServed(answers: readonly Answer[], fleet: readonly Replica[]): void {
  const isServed = ({ status }: Answer): boolean => status === 200 || (status === 401 && outagesOf(fleet) > 0)
  expect(tally(answers.filter((answer) => !isServed(answer)))).toEqual({})
}

/** How often replicas have said that their Redis is of no use. */
export function outagesOf(fleet: readonly Replica[]): number {
  return fleet.flatMap((replica) => replica.log()).filter(({ store, level }) => store === 'redis' && level === 'warn').length
}

/**
 * Waits until nothing of the last revocation is under way any more: while the renewal that it caused is on probation, or a replay
 * not there yet, a further refusal is passed on.
 */
export async function untilCalm(fleet: readonly Replica[], { calls }: Pick<FleetProvider, 'calls'>): Promise<void> {
  const isQuiet = (): boolean => !calls.some(({ isAccepted, atMs }) => !isAccepted && atMs > performance.now() - 200)
  await until('no token is refused', isQuiet)
  for (const { adminUrl } of fleet) {
    await until(
      'there is no cool-down',
      async () => {
        const status = (await (await fetch(`${adminUrl}/status`)).json()) as Readonly<
          Record<'credentials', readonly Credential[]>
        >
        return status.credentials.every(({ cool_down_seconds }) => cool_down_seconds === 0)
      },
      15_000,
    )
  }
}

interface Credential {
  readonly cool_down_seconds: number
}

/** The replica at this place. */
export function at(fleet: readonly Replica[], place: number): Replica {
  const replica = fleet[place]
  if (replica === undefined) throw new RangeError(`the fleet has ${fleet.length} replicas, none at ${place}`)
  return replica
}

/** Ends a replica as a crash of its machine would. */
export async function kill(replica: Replica): Promise<void> {
  replica.signal('SIGKILL')
  await replica.finished
}

/** Has a replica renew its token now, as an operator would. @returns the status of the answer */
export async function renew({ adminUrl }: Replica, credential = 'main'): Promise<number> {
  const answer = await fetch(`${adminUrl}/credentials/${credential}/renew`, { method: 'POST', redirect: 'manual' })
  await answer.text()
  return answer.status
}

/** Waits until it is so. @throws when that takes too long */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain until ${what}`)
    await sleep(10)
  }
}

/** Names and values of everything that a Redis holds. */
export async function dumpOf(admin: RedisAdmin): Promise<string> {
  const parts: string[] = []
  for (const key of await admin.keys('*')) {
    const isBudget = (await admin.type(key)) === 'zset'
    parts.push(key, isBudget ? JSON.stringify(await admin.zRange(key, 0, -1)) : String(await admin.get(key)))
  }
  return parts.join('\n')
}
