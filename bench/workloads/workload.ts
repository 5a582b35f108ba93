import type { Bench } from '../bench.ts'

/** One number of a reading, and its column in the table. */
export interface Figure {
  readonly key: string
  readonly title: string
  readonly digits: number
  /** Shown as what it is more than `direct` has in the same round. */
  readonly isOverDirect?: boolean
}

/** What was measured in one round; a figure that a contender cannot have is left out. */
export type Reading = Readonly<Record<string, number>>

/** What a contender came to. */
export interface Row {
  readonly contender: string
  /** One for each round. */
  readonly readings: readonly Reading[]
  /** Why it is not measured. */
  readonly problem?: string
}

/** Something to be measured. */
export interface Workload {
  readonly name: string
  readonly about: string
  readonly figures: readonly Figure[]
  /** The figure in which bearerd is compared with the others. */
  readonly compared: string | undefined
  run(bench: Bench): Promise<readonly Row[]>
}

/** The share of a processor core that was used. */
export const coreFigure: Figure = { key: 'corePercent', title: 'core %', digits: 0 }
export const cpuFigure: Figure = { key: 'cpuUs', title: 'CPU us/request', digits: 1 }
export const failedFigure: Figure = { key: 'failed', title: 'failed', digits: 0 }
