import type { SealedEntries, SealedEntry } from './file-text.ts'

/**
 * Leaves out what has expired, and of each kind what is beyond its limit; what expires soonest goes first.
 * @param limit entries of each kind
 */
export function prune(entries: SealedEntries, nowEpochMs: number, limit: number): SealedEntries {
  const live = [...entries].filter(([, { expiresAtEpochMs }]) => expiresAtEpochMs > nowEpochMs)
  const kinds = Map.groupBy(live, ([name]) => name.slice(0, name.indexOf(':')))
  return new Map([...kinds.values()].flatMap((kind) => longestLived(kind, limit)))
}

function longestLived(entries: [string, SealedEntry][], limit: number): [string, SealedEntry][] {
  if (entries.length <= limit) return entries
  return entries.sort(([, a], [, b]) => b.expiresAtEpochMs - a.expiresAtEpochMs).slice(0, limit)
}
