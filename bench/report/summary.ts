import type { Figure, Reading, Row, Workload } from '../workloads/workload.ts'

/** A workload's outcome. */
export interface Summary {
  readonly name: string
  readonly about: string
  readonly figures: readonly Figure[]
  readonly compared: string | undefined
  readonly rows: readonly SummaryRow[]
}

export interface SummaryRow extends Row {
  /** Of each figure over all rounds. */
  readonly medians: Reading
  /** bearerd's figure divided by this one's, inside each round; the median of these. */
  readonly bearerdToIt: number | undefined
}

/** Sums up the rounds of a workload. */
export function summarize({ name, about, figures, compared }: Workload, rows: readonly Row[]): Summary {
  const readingsOf = (contender: string): readonly Reading[] => rows.find((row) => row.contender === contender)?.readings ?? []
  const bearerd = readingsOf('bearerd')
  const direct = readingsOf('direct')
  return {
    name,
    about,
    figures,
    compared,
    rows: rows.map((row) => {
      const medians = figures.flatMap(({ key, isOverDirect = false }) => {
        const values = row.readings.map(
          (reading, round) => number(reading[key]) - (isOverDirect ? number(direct[round]?.[key]) : 0),
        )
        const middle = median(values.filter((value) => !Number.isNaN(value)))
        return middle === undefined ? [] : [[key, middle] as const]
      })
      const ratios =
        compared === undefined
          ? []
          : row.readings.map((reading, round) => number(bearerd[round]?.[compared]) / number(reading[compared]))
      return { ...row, medians: Object.fromEntries(medians), bearerdToIt: median(ratios.filter((ratio) => !Number.isNaN(ratio))) }
    }),
  }
}

function number(value: number | undefined): number {
  return value ?? Number.NaN
}

/** The one in the middle, or between the two in the middle. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const above = sorted[Math.floor(sorted.length / 2)]
  const below = sorted[Math.ceil(sorted.length / 2) - 1]
  return above === undefined || below === undefined ? undefined : (above + below) / 2
}
