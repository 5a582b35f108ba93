/**
 * Counters, gauges and histograms as plain numbers. Counting is an addition to a number that was looked up beforehand; the
 * client library, whose `inc` and `observe` check and hash their labels each time, only writes them out when scraped.
 */

/** One line of a metric, in the shape that the client library writes out. */
export interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** A metric with all its series. `samples` is called at each scrape. */
export interface Instrument {
  /** Full name; a counter's ends in `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  samples(): Sample[]
}

/** A number that can be added to (a counter's series) or set (a gauge's). */
export interface Series {
  value: number
}

/** A counter or gauge with labels; `series` is called once per combination of labels, not per event. */
export class NumberFamily implements Instrument {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly #labelNames: readonly string[]
  readonly #series = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly series: Series }>()

  constructor(type: 'counter' | 'gauge', name: string, help: string, labelNames: readonly string[] = []) {
    this.type = type
    this.name = name
    this.help = help
    this.#labelNames = labelNames
  }

  /** The series of these label values, in the order of the label names; made at zero on first use. */
  series(...labelValues: readonly string[]): Series {
    const key = JSON.stringify(labelValues)
    const known = this.#series.get(key)
    if (known !== undefined) return known.series
    const series = { value: 0 }
    this.#series.set(key, { labels: this.#labels(labelValues), series })
    return series
  }

  /** Makes a series of these label values whose value is worked out at each scrape. */
  derive(labelValues: readonly string[], read: () => number): void {
    const series = {
      get value() {
        return read()
      },
      set value(_: number) {
        throw new TypeError('this series is worked out, not set')
      },
    }
    this.#series.set(JSON.stringify(labelValues), { labels: this.#labels(labelValues), series })
  }

  /** Removes the series whose first label has this value. */
  drop(firstLabel: string): void {
    for (const key of this.#series.keys()) if ((JSON.parse(key) as string[])[0] === firstLabel) this.#series.delete(key)
  }

  #labels(values: readonly string[]): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#labelNames.map((name, index) => [name, values[index] ?? '']))
  }

  samples(): Sample[] {
    return [...this.#series.values()].map(({ labels, series }) => ({ metricName: this.name, labels, value: series.value }))
  }
}

/** One series of a histogram. */
export class HistogramSeries {
  readonly #upperBounds: readonly number[]
  /** One per bound, and one for what is above the last. */
  readonly counts: number[]
  sum = 0

  constructor(upperBounds: readonly number[]) {
    this.#upperBounds = upperBounds
    this.counts = Array.from({ length: upperBounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    const bounds = this.#upperBounds
    let index = 0
    while (index < bounds.length && value > (bounds[index] as number)) index++
    ;(this.counts[index] as number) += 1
    this.sum += value
  }
}

/** A histogram with one label. */
export class HistogramFamily implements Instrument {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly #labelName: string
  readonly #upperBounds: readonly number[]
  readonly #series = new Map<string, HistogramSeries>()

  constructor(name: string, help: string, labelName: string, upperBounds: readonly number[]) {
    this.name = name
    this.help = help
    this.#labelName = labelName
    this.#upperBounds = upperBounds
  }

  series(labelValue: string): HistogramSeries {
    let series = this.#series.get(labelValue)
    if (series === undefined) {
      series = new HistogramSeries(this.#upperBounds)
      this.#series.set(labelValue, series)
    }
    return series
  }

  samples(): Sample[] {
    return [...this.#series].flatMap(([labelValue, { counts, sum }]) => {
      const labels = { [this.#labelName]: labelValue }
      let total = 0
      const buckets = counts.map((count, index) => {
        total += count
        const le = this.#upperBounds[index] ?? '+Inf'
        return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: total }
      })
      return [
        ...buckets,
        { metricName: `${this.name}_sum`, labels, value: sum },
        { metricName: `${this.name}_count`, labels, value: total },
      ]
    })
  }
}
