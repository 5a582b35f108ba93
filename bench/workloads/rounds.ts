import type { Reading, Row } from './workload.ts'

/** Something to be measured again and again, or a reason why not. */
export interface Entrant<Measured> {
  readonly name: string
  readonly measured: Measured | undefined
  readonly problem?: string
}

/** What is done how often, to whom. */
export interface Rounds<Measured> {
  readonly rounds: number
  readonly entrants: readonly Entrant<Measured>[]
  /** Before the first round. */
  readonly warmUp?: (measured: Measured) => Promise<unknown>
  readonly measure: (measured: Measured) => Promise<Reading>
}

/**
 * Measures everyone once in each round, so that a slow moment of the machine hits all; every other round goes the other way. Who fails
 * twice in a row is out, with the reason: once it may have been the machine.
 */
export async function inRounds<Measured>({ rounds, entrants, warmUp, measure }: Rounds<Measured>): Promise<readonly Row[]> {
  const readings = new Map(entrants.map(({ name }) => [name, [] as Reading[]]))
  const problems = new Map<string, string>()
  for (const { name, problem } of entrants) if (problem !== undefined) problems.set(name, problem)
  for (let round = -1; round < rounds; round++) {
    for (const { name, measured } of round % 2 === 0 ? entrants : entrants.toReversed()) {
      if (measured === undefined || problems.has(name)) continue
      try {
        if (round < 0) await warmUp?.(measured)
        else readings.get(name)?.push(await measure(measured).catch(async () => await measure(measured)))
      } catch (error) {
        problems.set(name, error instanceof Error ? error.message : String(error))
      }
    }
  }
  return entrants.map(({ name }) => {
    const problem = problems.get(name)
    return problem === undefined
      ? { contender: name, readings: readings.get(name) ?? [] }
      : { contender: name, readings: [], problem }
  })
}
