import { mostRecent } from '../proxy/caller/recent-requests.ts'
import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import type { Instrument, Sample } from '../telemetry/instruments.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { WorkerReport } from './vocabulary.ts'

/** What the workers have counted, put together. What one that has ended had counted, as far as it was told, still counts. */
export class WorkerNumbers {
  /** By worker. */
  readonly #last = new Map<number, WorkerReport>()
  /** By metric. */
  readonly #departed = new Map<string, readonly Sample[]>()
  /** All metrics, in the order in which they are written out. */
  readonly instruments: readonly Instrument[]

  /** @param metrics those of this process, which counts along */
  constructor({ instruments, ofRequests }: Pick<Metrics, 'instruments' | 'ofRequests'>) {
    this.instruments = instruments.map((own) =>
      ofRequests.includes(own) ? { name: own.name, help: own.help, type: own.type, samples: () => this.#sum(own) } : own,
    )
    for (const { name, type } of ofRequests) if (type !== 'gauge') this.#departed.set(name, [])
  }

  take(worker: number, report: WorkerReport): void {
    this.#last.set(worker, report)
  }

  /** A worker has ended: it counts no further, and nothing is under way with it. */
  leave(worker: number): void {
    const samples = this.#last.get(worker)?.samples ?? {}
    for (const [name, before] of this.#departed) this.#departed.set(name, addUp([before, samples[name] ?? []]))
    this.#last.delete(worker)
  }

  /** Newest first. */
  recentRequests(): RequestRecord[] {
    const endOf = ({ atEpochMs, durationMs }: RequestRecord): number => atEpochMs + durationMs
    return [...this.#last.values()]
      .flatMap(({ recentRequests }) => recentRequests)
      .sort((a, b) => endOf(b) - endOf(a))
      .slice(0, mostRecent)
  }

  #sum(own: Instrument): Sample[] {
    const ofWorkers = [...this.#last.values()].map(({ samples }) => samples[own.name] ?? [])
    return addUp([own.samples(), this.#departed.get(own.name) ?? [], ...ofWorkers])
  }
}

/** Adds up what has the same name and labels. The buckets of a histogram add up as they are. */
function addUp(lists: readonly (readonly Sample[])[]): Sample[] {
  const sums = new Map<string, Sample>()
  for (const sample of lists.flat()) {
    const key = JSON.stringify([sample.metricName, sample.labels])
    sums.set(key, { ...sample, value: sample.value + (sums.get(key)?.value ?? 0) })
  }
  return [...sums.values()]
}
