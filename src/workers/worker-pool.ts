import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import type { Config } from '../config/config.ts'
import type { ListenAddress } from '../config/schema/listen.ts'
import { listenOn } from '../proxy/caller/listen-on.ts'
import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import type { Instrument } from '../telemetry/instruments.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { WorkerMetrics } from '../telemetry/worker-metrics.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import { CallerConnections } from './caller-connections.ts'
import { WorkerProblemsError } from './data-path.ts'
import type { DataPath, DataPathChange } from './data-path.ts'
import { Generations } from './generations.ts'
import { LinkError } from './link.ts'
import { Restarts } from './restarts.ts'
import { TokenDesk } from './token-desk.ts'
import type { ConfigMessage } from './vocabulary.ts'
import { WorkerNumbers } from './worker-numbers.ts'
import { WorkerProcess } from './worker-process.ts'

/** How often workers are asked whether they are there. */
const lookAfterMs = 5_000

/** What workers are started with. */
export interface WorkerPoolParts {
  readonly config: Config
  /** Starts a process that is going to be a worker. */
  readonly fork: () => ChildProcess
  readonly tokens: TokenSources
  readonly metrics: Metrics
  readonly log: Log
}

/**
 * The data path in several processes. This one accepts the connections and gives each to a worker; it has the tokens, and the workers
 * ask it for them. One that ends unexpectedly, or does not answer any more, is replaced.
 */
export class WorkerPool implements DataPath {
  readonly #parts: WorkerPoolParts
  readonly #generations: Generations
  readonly #serving = new Map<number, WorkerProcess>()
  readonly #starting = new Set<WorkerProcess>()
  readonly #connections: CallerConnections
  readonly #numbers: WorkerNumbers
  readonly #restarts = new Restarts()
  readonly #workerMetrics = new WorkerMetrics(() => this.#serving.size)
  // The platform reads nothing from a connection that another process will read from.
  readonly #server = createServer({ pauseOnConnect: true }, (socket) => this.#connections.take(socket))
  #isDraining = false
  #isStopping = false

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts
    this.#generations = new Generations(parts.config)
    this.#connections = new CallerConnections(parts.config.limits.connections)
    this.#numbers = new WorkerNumbers(parts.metrics)
  }

  get isServing(): boolean {
    return this.#serving.size > 0
  }

  get instruments(): readonly Instrument[] {
    return [...this.#numbers.instruments, ...this.#workerMetrics.instruments]
  }

  async open(): Promise<ListenAddress> {
    const { listen, workers } = this.#parts.config
    try {
      await Promise.all(Array.from({ length: workers }, async (_, index) => await this.#start(index + 1)))
      return await listenOn(this.#server, listen)
    } catch (error) {
      this.#isStopping = true
      for (const worker of [...this.#starting, ...this.#serving.values()]) worker.kill()
      throw error
    }
  }

  async prepare(config: Config): Promise<DataPathChange> {
    const message = this.#generations.add(config)
    const workers = [...this.#serving.values()]
    const problems = await Promise.all(workers.map(async (worker) => await worker.prepare(message)))
    const abandon = (): void => {
      for (const worker of workers) worker.abandon()
      this.#generations.remove(message.generation)
    }
    const all = new Set(problems.flat())
    if (all.size > 0) {
      abandon()
      throw new WorkerProblemsError([...all])
    }
    return {
      abandon,
      commit: async () => {
        this.#generations.use(message.generation)
        this.#connections.limit = config.limits.connections
        const toBeTold = [...this.#serving.values()]
        await Promise.all(
          toBeTold.map(async (worker) => {
            // One that has come meanwhile knows nothing of it.
            if (workers.includes(worker)) await this.#commit(worker, message.generation)
            else await this.#change(worker, message)
          }),
        )
      },
    }
  }

  startDraining(): void {
    this.#isDraining = true
    for (const worker of this.#serving.values()) worker.startDraining()
  }

  async close(graceMs: number): Promise<void> {
    this.#isStopping = true
    // All that was accepted is on its way to a worker, in front of the word that it shall close.
    this.#server.close()
    this.#connections.close()
    for (const worker of this.#starting) worker.kill()
    await Promise.all(
      [...this.#serving].map(async ([number, worker]) => {
        const report = await worker.close(graceMs)
        if (report !== undefined) this.#numbers.take(number, report)
        await worker.end()
      }),
    )
  }

  async gather(): Promise<void> {
    await Promise.all(
      [...this.#serving].map(async ([number, worker]) => {
        const report = await worker.report()
        if (report === undefined || this.#serving.get(number) !== worker) return
        this.#numbers.take(number, report)
        this.#workerMetrics.setUsage(number, report.cpuSeconds, report.memoryBytes)
      }),
    )
  }

  async recentRequests(): Promise<readonly RequestRecord[]> {
    await this.gather()
    return this.#numbers.recentRequests()
  }

  /** Starts a worker, and gives it connections from then on. @throws WorkerProblemsError */
  async #start(number: number): Promise<void> {
    const worker: WorkerProcess = new WorkerProcess({
      child: this.#parts.fork(),
      desk: (tell) =>
        new TokenDesk({
          tokens: this.#parts.tokens,
          credentials: (generation) => this.#generations.credentialsOf(generation),
          tell: (supply, token) => tell('token', { supply, token }),
        }),
      onClosed: (count) => this.#connections.noteClosed(worker, count),
    })
    this.#starting.add(worker)
    try {
      await this.#bringUp(number, worker)
    } catch (error) {
      worker.kill()
      if (!(error instanceof LinkError)) throw error
      throw new WorkerProblemsError([`worker ${number} ended before it served (${await worker.ended})`], { cause: error })
    } finally {
      this.#starting.delete(worker)
    }
    const startedMs = performance.now()
    if (this.#isDraining) worker.startDraining()
    this.#serving.set(number, worker)
    this.#connections.add(worker)
    this.#parts.log.info({ worker: number, pid: worker.pid }, 'a worker serves')
    void this.#lookAfter(number, worker)
    void worker.ended.then((how) => this.#onEnd(number, worker, how, performance.now() - startedMs))
  }

  /** A worker that is stuck would keep its share of the connections waiting for ever. */
  async #lookAfter(number: number, worker: WorkerProcess): Promise<void> {
    for (;;) {
      await new Promise((resolve) => void setTimeout(resolve, lookAfterMs).unref())
      if (this.#isStopping || this.#serving.get(number) !== worker) return
      if (await worker.isResponding()) continue
      if (this.#isStopping) return
      this.#parts.log.error({ worker: number, pid: worker.pid }, 'a worker does not answer; it is ended')
      worker.kill()
      return
    }
  }

  /** Until it has the configuration that is in use: a reload may overtake it. */
  async #bringUp(number: number, worker: WorkerProcess): Promise<void> {
    const first = this.#generations.inUse()
    const problems = await worker.start({ ...first, worker: number })
    if (problems.length > 0) throw new WorkerProblemsError(problems)
    worker.desk.present(first.generation)
    for (let used = first; used.generation !== this.#generations.inUse().generation;) {
      used = this.#generations.inUse()
      await this.#change(worker, used)
    }
  }

  /** Has a worker take another configuration into use that is in order, as the others have found. */
  async #change(worker: WorkerProcess, message: ConfigMessage): Promise<void> {
    await worker.prepare(message)
    await this.#commit(worker, message.generation)
  }

  /** What it has not taken into use, nobody may serve with: it is replaced. */
  async #commit(worker: WorkerProcess, generation: number): Promise<void> {
    worker.desk.present(generation)
    if (await worker.commit(generation)) worker.desk.keepOnly(generation)
    else worker.kill()
  }

  #onEnd(number: number, worker: WorkerProcess, how: string, livedMs: number): void {
    this.#serving.delete(number)
    this.#connections.remove(worker)
    this.#numbers.leave(number)
    if (this.#isStopping) return
    this.#parts.log.error({ worker: number, how }, 'a worker has ended; its requests are lost, and another one takes its place')
    this.#restarts.noteEnd(number, livedMs)
    this.#restart(number)
  }

  #restart(number: number): void {
    setTimeout(() => void this.#startAgain(number), this.#restarts.delayMs(number)).unref()
  }

  async #startAgain(number: number): Promise<void> {
    if (this.#isStopping) return
    try {
      await this.#start(number)
      this.#workerMetrics.countRestart()
    } catch (error) {
      if (this.#isStopping) return
      const problems = error instanceof WorkerProblemsError ? error.problems : [String(error)]
      this.#parts.log.error({ worker: number, problems }, 'a worker did not start; it is tried again')
      this.#restarts.noteEnd(number, 0)
      this.#restart(number)
    }
  }
}
