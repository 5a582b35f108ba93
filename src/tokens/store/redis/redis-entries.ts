import { grantText, parseGrant, parseToken, tokenText } from '../entry-text.ts'
import type { Sealing } from '../sealing.ts'
import type { TokenRequestFailure } from '../shared-failure.ts'
import type { GrantEntry, KeptToken, TokenEntry } from '../token-store.ts'

/** An entry as a script gives it: under which of the names it was found, what it holds, and how long it still lives. */
export interface RawEntry {
  readonly name: string
  readonly value: string
  readonly lifeMs: number
}

/** What our keys in Redis hold. Each is sealed for its name, so that a copy under another one does not open. */
export interface RedisEntries {
  /** The id stands in front in the clear, so that scripts can compare it; it is made up and says nothing. */
  writeToken(name: string, token: TokenEntry): string
  /** @returns the one that was issued last of those that can be read */
  readToken(entries: readonly RawEntry[]): KeptToken | undefined
  writeGrant(name: string, grant: GrantEntry): string
  /** @returns the one that was written last of those that can be read */
  readGrant(entries: readonly RawEntry[]): GrantEntry | undefined
  writeFailure(name: string, failure: TokenRequestFailure): string
  readFailure(entries: readonly RawEntry[]): TokenRequestFailure | undefined
}

export function createRedisEntries(sealing: Sealing): RedisEntries {
  const openToken = ({ name, value, lifeMs }: RawEntry): KeptToken | undefined => {
    const text = sealing.open(name, value.slice(idOf(value).length + 1))
    const token = text === undefined ? undefined : parseToken(text)
    if (token === undefined || token.id !== idOf(value)) return undefined
    // A key can be made to live longer, a token cannot.
    return { ...token, remainingMs: Math.min(lifeMs, token.lifeMs) }
  }
  const openWith = <Entry>({ name, value }: RawEntry, parse: (text: string) => Entry | undefined): Entry | undefined => {
    const text = sealing.open(name, value)
    return text === undefined ? undefined : parse(text)
  }
  return {
    writeToken: (name, token) => `${token.id}|${sealing.seal(name, tokenText(token))}`,
    readToken: (entries) => latest(entries.map(openToken), (token) => token.issuedAtEpochMs),
    writeGrant: (name, grant) => sealing.seal(name, grantText(grant)),
    readGrant: (entries) => {
      const grants = entries.map((entry) => openWith(entry, parseGrant))
      return latest(grants, (grant) => grant.writtenAtEpochMs)
    },
    writeFailure: (name, { kind, code, message, retryAfterMs }) =>
      sealing.seal(name, JSON.stringify({ kind, code, message, retryAfterMs })),
    readFailure: ([entry]) => {
      const failure = entry && openWith(entry, parseFailure)
      return failure && { ...failure, retryAfterMs: failure.retryAfterMs && entry.lifeMs }
    },
  }
}

/** The id that an entry of a token begins with, true or not. */
export function idOf(value: string): string {
  return value.slice(0, Math.max(value.indexOf('|'), 0))
}

/** Reads what the reading scripts give: position, value and life of each entry. @param names the keys that they were given */
export function rawEntries(reply: readonly unknown[], names: readonly string[]): readonly RawEntry[] {
  const entries: RawEntry[] = []
  for (let at = 0; at + 2 < reply.length; at += 3) {
    const [position, value, lifeMs] = reply.slice(at, at + 3)
    const name = names[Number(position) - 1]
    if (name !== undefined && typeof value === 'string') entries.push({ name, value, lifeMs: Number(lifeMs) })
  }
  return entries
}

function latest<Entry>(entries: readonly (Entry | undefined)[], at: (entry: Entry) => number): Entry | undefined {
  return entries.filter((entry) => entry !== undefined).sort((a, b) => at(b) - at(a))[0]
}

function parseFailure(text: string): TokenRequestFailure | undefined {
  // It was sealed with our key, and so written by us.
  const { kind, code, message, retryAfterMs } = JSON.parse(text) as Readonly<Record<string, unknown>>
  const isWhole = (kind === 'refused' || kind === 'unavailable') && typeof code === 'string' && typeof message === 'string'
  return isWhole ? { kind, code, message, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined } : undefined
}
