let second = -1
let prefix = ''

/** A time as ISO 8601 says it, in UTC and with milliseconds. Of a time in the same second as the last only the end is made anew. */
export function isoTime(epochMs: number): string {
  const epochS = Math.floor(epochMs / 1_000)
  if (epochS !== second) {
    second = epochS
    prefix = new Date(epochS * 1_000).toISOString().slice(0, -4)
  }
  return `${prefix}${String(epochMs - epochS * 1_000).padStart(3, '0')}Z`
}
