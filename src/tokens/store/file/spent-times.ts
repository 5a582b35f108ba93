/** When the token requests of a budget were made, as text: dates in milliseconds. */
export function timesText(times: readonly number[]): string {
  return JSON.stringify(times)
}

/** @returns undefined when the text is not such a list */
export function parseTimes(text: string): readonly number[] | undefined {
  try {
    const times: unknown = JSON.parse(text)
    return Array.isArray(times) && times.every((time) => Number.isFinite(time)) ? (times as number[]) : undefined
  } catch {
    return undefined
  }
}

/** What two processes have spent together. */
export function allTimes(theirs: readonly number[], ours: readonly number[]): readonly number[] {
  return [...new Set([...theirs, ...ours])].sort((a, b) => a - b)
}
