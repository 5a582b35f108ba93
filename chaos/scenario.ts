import type { Random } from './random.ts'

/** How large a run is: for a look, as it is meant, or for a night. */
export type Size = 'quick' | 'usual' | 'full'

/** What a scenario gets. */
export interface ChaosRun {
  readonly random: Random
  readonly size: Size
  /** How many of something: by default a tenth of it in a quick run, and the same in a full one. */
  readonly count: (usual: number, sizes?: { readonly quick?: number; readonly full?: number }) => number
  /** Ends something when the scenario has ended, the last first. */
  readonly defer: (end: () => unknown) => void
  /** Tells people what is going on. */
  readonly say: (text: string) => void
}

/** What came of it. */
export interface Outcome {
  /** What was done, in numbers. */
  readonly done: string
  /** What was measured. */
  readonly result: string
  /** What should not have happened; none is good. */
  readonly problems: readonly string[]
  /** Where the aim is known to be missed, and why; a run does not fail for it. */
  readonly shortfalls?: readonly string[]
}

/** One kind of trouble. */
export interface Scenario {
  readonly name: string
  readonly run: (run: ChaosRun) => Promise<Outcome>
}

/** Collects what should not have happened: each kind once with an example, and how often. */
export class Problems {
  readonly #kinds = new Map<string, { count: number; readonly example: string }>()

  add(kind: string, example = ''): void {
    const known = this.#kinds.get(kind)
    if (known === undefined) this.#kinds.set(kind, { count: 1, example })
    else known.count++
  }

  /** @param isSo what has to be true */
  expect(isSo: boolean, kind: string, example = ''): void {
    if (!isSo) this.add(kind, example)
  }

  get total(): number {
    let total = 0
    for (const { count } of this.#kinds.values()) total += count
    return total
  }

  list(): string[] {
    return [...this.#kinds].map(
      ([kind, { count, example }]) => `${count} x ${kind}${example === '' ? '' : `, such as ${example}`}`,
    )
  }
}
