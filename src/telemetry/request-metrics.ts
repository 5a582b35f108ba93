import type { HistogramSeries } from './instruments.ts'

/** Upper bounds of the buckets in which requests are counted by their time, in seconds. */
export const requestSeconds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What is counted of any request, looked up once so that a request only adds to it. */
export interface RequestMetrics {
  countRequest(method: string, status: number): void
  readonly duration: HistogramSeries
}
