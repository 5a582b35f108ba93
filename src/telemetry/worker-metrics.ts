import { NumberFamily } from './instruments.ts'
import type { Instrument } from './instruments.ts'

/** What is told of workers, where there are several. `worker` is a number from 1 on; a worker in place of another has its number. */
export class WorkerMetrics {
  readonly #running = new NumberFamily('gauge', 'bearerd_workers', 'Workers that serve requests.')
  readonly #restarts = new NumberFamily(
    'counter',
    'bearerd_worker_restarts_total',
    'Workers that were started in place of one that had ended.',
  )
  readonly #cpu = new NumberFamily('counter', 'bearerd_worker_cpu_seconds_total', 'CPU time of a worker.', ['worker'])
  readonly #memory = new NumberFamily('gauge', 'bearerd_worker_resident_memory_bytes', 'Resident memory of a worker.', ['worker'])

  /** All of them, in the order in which they are written out. */
  readonly instruments: readonly Instrument[] = [this.#running, this.#restarts, this.#cpu, this.#memory]

  /** @param running how many there are, asked at each scrape */
  constructor(running: () => number) {
    this.#running.derive([], running)
    this.#restarts.series()
  }

  countRestart(): void {
    this.#restarts.series().value++
  }

  /** What a worker has used of the machine. */
  setUsage(worker: number, cpuSeconds: number, memoryBytes: number): void {
    this.#cpu.series(String(worker)).value = cpuSeconds
    this.#memory.series(String(worker)).value = memoryBytes
  }
}
