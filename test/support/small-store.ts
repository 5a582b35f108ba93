import type { StoreKeys, GrantEntry, TokenStore } from '../../src/tokens/store/token-store.ts'

/** A store that keeps what a login gives it, and nothing else. */
export interface SmallStore extends TokenStore {
  /** By the name of their entry. */
  readonly grants: ReadonlyMap<string, GrantEntry>
  /** How many times it does not keep what it is given. */
  failures: number
  readonly isClosed: boolean
}

/** Makes one. */
export function smallStore({ isLasting = true } = {}): SmallStore {
  const grants = new Map<string, GrantEntry>()
  let isClosed = false
  const unused = (): never => {
    throw new Error('a login does not use this')
  }
  return {
    name: 'file',
    isLasting,
    isShared: false,
    grants,
    failures: 0,
    get isClosed() {
      return isClosed
    },
    readGrant: ({ grant }: StoreKeys) => Promise.resolve(grants.get(grant)),
    keepGrant({ grant }: StoreKeys, entry: GrantEntry) {
      if (this.failures-- > 0) return Promise.resolve(false)
      grants.set(grant, entry)
      return Promise.resolve(true)
    },
    close: () => {
      isClosed = true
      return Promise.resolve()
    },
    read: unused,
    claim: unused,
    reject: unused,
    readBudget: unused,
    restore: unused,
    accept: unused,
    forget: unused,
    subscribe: unused,
  }
}
