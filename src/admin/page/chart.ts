import { markup } from './markup.ts'
import type { Markup } from './markup.ts'

const width = 240
const height = 40

/** One kind of what is counted. @param name the class that gives it its colour */
export interface BarSeries {
  readonly name: string
  readonly values: readonly number[]
}

/**
 * Bars that stand on each other, one for each minute.
 * @param words all that the picture says, for who does not see it
 */
export function barChart(series: readonly BarSeries[], words: string): Markup {
  const count = series[0]?.values.length ?? 0
  const step = width / Math.max(count, 1)
  const sums = Array.from({ length: count }, (_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0))
  const scale = (height - 1) / Math.max(...sums, 1)
  const bases = sums.map(() => height)
  const paths = series.map(({ name, values }) => {
    const strokes = values.map((value, index) => {
      if (value === 0) return ''
      const tall = Math.max(value * scale, 1.5)
      const base = bases[index] ?? height
      bases[index] = base - tall
      return `M${rounded((index + 0.5) * step)} ${rounded(base)}v${rounded(-tall)}`
    })
    return markup`<path class="${name}" d="${strokes.join('')}"/>`
  })
  return picture('bars', paths, words)
}

/** Lines, one value for each minute; undefined where there is none. The first one is the upper bound of an area. */
export function lineChart(upper: readonly (number | undefined)[], lower: readonly (number | undefined)[], words: string): Markup {
  const most = Math.max(...upper.map((value) => value ?? 0), 1)
  return picture(
    'lines',
    [markup`<path class="p95" d="${line(upper, most)}"/>`, markup`<path class="p50" d="${line(lower, most)}"/>`],
    words,
  )
}

/** A value that stands alone is a short stroke: a line of one point cannot be seen. */
function line(values: readonly (number | undefined)[], most: number): string {
  const step = width / Math.max(values.length, 1)
  return values
    .map((value, index) => {
      if (value === undefined) return ''
      const y = rounded(height - 1 - (value / most) * (height - 2))
      const x = index * step
      return values[index - 1] === undefined ? `M${rounded(x)} ${y}H${rounded(x + step)}` : `L${rounded(x + step)} ${y}`
    })
    .join('')
}

function picture(kind: string, paths: readonly Markup[], words: string): Markup {
  return markup`<svg class="chart ${kind}" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${words}">${paths}</svg>`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
