/** A moment as JSON has it. @param epochMs milliseconds since the epoch */
export function toRfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

/** As {@link rounded}, where there is one. */
export function maybeRounded(ms: number | undefined): number | null {
  return ms === undefined ? null : rounded(ms)
}

/** Milliseconds, with as many digits as mean something. */
export function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** As {@link toRfc3339}, where there is one. */
export function maybeRfc3339(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : toRfc3339(epochMs)
}
