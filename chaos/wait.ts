import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again and again until the answer is yes. @returns whether it became so within the time */
export async function became(isSo: () => boolean | Promise<boolean>, ms: number, everyMs = 10): Promise<boolean> {
  const endMs = performance.now() + ms
  while (!(await isSo())) {
    if (performance.now() > endMs) return false
    await sleep(everyMs)
  }
  return true
}

/** Runs a task so many times, a few at a time; each is told its number. */
export async function inParallel(count: number, atATime: number, task: (nth: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(atATime, count) }, work))
}

/** The value at this share of the sorted values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? 0
}
