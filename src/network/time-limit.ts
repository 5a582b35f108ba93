/** Something has taken longer than it may. */
export class TimeLimitError extends Error {
  override name = 'TimeLimitError' as const
  /** As the platform calls it. */
  readonly code = 'ETIMEDOUT'
}

/**
 * Waits for something, but not for ever.
 * @param limitMs milliseconds
 * @param giveUp called when the time is up, to end what is waited for
 * @throws TimeLimitError when the time is up, else what the work throws
 */
export async function withinTime<Result>(work: Promise<Result>, limitMs: number, giveUp: () => void = () => {}): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new TimeLimitError(`not done within ${limitMs} ms`))
    giveUp()
  }, limitMs)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
