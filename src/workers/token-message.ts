import type { Injection } from '../oauth/injection.ts'
import { AccessToken } from '../tokens/access-token.ts'
import type { TokenTimes } from '../tokens/access-token.ts'
import type { TokenEntry } from '../tokens/store/token-store.ts'

/** A token on its way between two processes of this machine. Holds secrets: never log it. */
export interface TokenMessage {
  readonly entry: Omit<TokenEntry, 'fields'> & { readonly fields?: unknown }
  readonly injection: Injection
  /** By the clock of the machine, which all of its processes share. */
  readonly times: TokenTimes
  readonly isOwn: boolean
}

/** Milliseconds from the beginning of the machine's monotonic clock to that of this process's, by which tokens expire. */
const processStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** A token for another process. */
export function messageOf(token: AccessToken): TokenMessage {
  const { times, isOwn } = token
  // What is left of its life is said by its times: the message may take a moment.
  const { remainingMs: _, ...entry } = token.kept(0)
  return { entry, injection: token.reveal(), times: moved(times, processStartMs), isOwn }
}

/** A token for a process that has had it before and only has to know it again. */
export function reminderOf(token: AccessToken): TokenMessage {
  const message = messageOf(token)
  const { fields: _, ...entry } = message.entry
  return { ...message, entry, injection: { fields: [], query: [] } }
}

/** A token from another process, as it was there. */
export function tokenOf({ entry, injection, times, isOwn }: TokenMessage): AccessToken {
  return new AccessToken({ ...entry, fields: entry.fields }, injection, moved(times, -processStartMs), isOwn)
}

function moved(times: TokenTimes, byMs: number): TokenTimes {
  return {
    ...times,
    issuedAtMs: times.issuedAtMs + byMs,
    renewAtMs: times.renewAtMs + byMs,
    expiresAtMs: times.expiresAtMs + byMs,
  }
}
