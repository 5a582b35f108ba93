import type { Sealing } from '../sealing.ts'
import type { StoreKeys } from '../token-store.ts'

/** The name that is written, and those under the key before, which are read too. */
export type NameList = readonly [current: string, ...former: string[]]

/** The keys in Redis of one token. */
export interface RedisNames {
  readonly tokens: NameList
  readonly grants: NameList
  readonly locks: NameList
  /** Why there is no token. */
  readonly failures: NameList
}

/** Names of what is kept in Redis; nothing can be read from them. */
export interface RedisNaming {
  of(keys: StoreKeys): RedisNames
  budget(key: string): NameList
  /** Where everybody who shares the store is told what happens. */
  readonly channel: string
  readonly probes: readonly string[]
}

/**
 * @param prefix what the names of all keys begin with
 * @param sealing is asked at each use: its keys may be rotated while the gateway runs
 */
export function createRedisNaming(prefix: string, sealing: Sealing): RedisNaming {
  // In one hash slot, whatever the key they are named under: the names of a rotation are read and written in one step.
  const start = `${prefix}{tokens}:`
  const named = (kind: string, digest: string): NameList => {
    const place = (name: string): string => `${start}${kind}:${name}`
    return [place(sealing.nameOf(digest)), ...sealing.formerNamesOf(digest).map(place)]
  }
  return {
    of: ({ token, grant }) => ({
      tokens: named('token', token),
      grants: named('grant', grant),
      locks: named('lock', token),
      failures: named('failure', token),
    }),
    budget: (key) => named('budget', key),
    channel: `${start}events`,
    probes: [`${start}probe`, `${start}probe-budget`],
  }
}

/** All keys, in the order in which the scripts take them. */
export function allKeys({ tokens, grants, locks, failures }: RedisNames): readonly string[] {
  return [...tokens, ...grants, ...locks, ...failures]
}
