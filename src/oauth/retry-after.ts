const longestMs = 60 * 60_000

/**
 * Reads Retry-After (RFC 9110 10.2.3), in seconds or as a date.
 * @param nowEpochMs milliseconds since the epoch, for the date form
 * @returns milliseconds, at most an hour; undefined when the field is absent or makes no sense
 */
export function parseRetryAfter(value: string | undefined, nowEpochMs: number): number | undefined {
  if (value === undefined) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowEpochMs
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, longestMs) : undefined
}
