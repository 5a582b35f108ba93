import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/load-config.ts'
import { createGateway } from '../proxy/gateway.ts'
import type { Gateway, Prepared } from '../proxy/gateway.ts'
import type { Log } from '../telemetry/log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import { systemClock } from '../tokens/clock.ts'
import { Link } from './link.ts'
import type { ChannelEnd } from './link.ts'
import { shareOf } from './share-of.ts'
import type { ConfigMessage, FromMain, FromWorker, StartOrder, WorkerReport } from './vocabulary.ts'
import { WorkerTokens } from './worker-tokens.ts'

/** What a worker is made of. */
export interface WorkerParts {
  readonly end: ChannelEnd
  /** The environment that the configuration is read in; that of the main process. */
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly log: Log
  readonly version: string
  /** Undefined when no OpenTelemetry SDK was loaded. */
  readonly tracer: Tracer | undefined
}

/**
 * Runs a worker: the data path for the connections that the main process hands over. It knows its configuration and its tokens from
 * the main process, and nothing without it.
 * @returns when the main process says that there is nothing left to be done
 */
export function runWorker({ end, env, log: mainLog, version, tracer }: WorkerParts): Promise<void> {
  const metrics = new Metrics(version)
  const done = Promise.withResolvers<void>()
  const read = ({ file, text }: ConfigMessage): Config => shareOf(parseConfig(file, text, env))
  let running: Running | undefined
  let inUse = 0
  let prepared: (Prepared & { readonly generation: number }) | undefined

  const link = new Link<FromWorker, FromMain>(end, {
    notes: {
      connection: (_, socket) => running?.connections.take(socket),
      token: ({ supply, token }) => running?.tokens.hear(supply, token),
      abandon: () => {
        prepared?.abandon()
        running?.tokens.keepOnly(inUse)
        prepared = undefined
      },
      drain: () => running?.gateway.startDraining(),
      end: () => done.resolve(),
    },
    questions: {
      start: (order) => orProblems(() => (running = start(order))),
      prepare: (message) =>
        orProblems(() => {
          const config = read(message)
          prepared = { ...started().gateway.prepare(config), generation: message.generation }
          started().tokens.add(message.generation, config.credentials)
        }),
      commit: ({ generation }) => {
        if (prepared?.generation !== generation) throw new Error('this configuration was not prepared')
        prepared.commit()
        started().tokens.keepOnly(generation)
        inUse = generation
        prepared = undefined
        return null
      },
      heartbeat: () => null,
      report: () => reportOf(metrics, started().gateway),
      close: async ({ graceMs }) => {
        await started().gateway.close(graceMs)
        return reportOf(metrics, started().gateway)
      },
    },
  })
  return done.promise

  function start({ worker, ...message }: StartOrder): Running {
    inUse = message.generation
    const config = read(message)
    const tokens = new WorkerTokens({ link, metrics, clock: systemClock, most: config.token_store.max_tokens })
    tokens.add(message.generation, config.credentials)
    const tokenSource = tokens.of.bind(tokens)
    const gateway = createGateway({ config, metrics, log: mainLog.child({ worker }), tokenSource, tracer })
    return { gateway, tokens, connections: new ReceivedConnections(gateway.receive(), link) }
  }

  function started(): Running {
    if (running === undefined) throw new Error('the worker was not started')
    return running
  }
}

interface Running {
  readonly gateway: Gateway
  readonly tokens: WorkerTokens
  readonly connections: ReceivedConnections
}

type Socket = Parameters<ReturnType<Gateway['receive']>>[0]

/** The connections that were handed over; each is told of when it has closed, many at a time. */
class ReceivedConnections {
  readonly #receive: (socket: Socket) => void
  readonly #link: Link<FromWorker, FromMain>
  #closed = 0

  constructor(receive: (socket: Socket) => void, link: Link<FromWorker, FromMain>) {
    this.#receive = receive
    this.#link = link
  }

  /** @param socket undefined when the caller had left before it arrived */
  take(socket: Socket | undefined): void {
    if (socket === undefined) {
      this.#noteClosed()
      return
    }
    socket.once('close', () => this.#noteClosed())
    this.#receive(socket)
  }

  #noteClosed(): void {
    this.#closed++
    if (this.#closed > 1) return
    setImmediate(() => {
      this.#link.tell('closed', { count: this.#closed })
      this.#closed = 0
    })
  }
}

function orProblems(run: () => unknown): readonly string[] {
  try {
    run()
    return []
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : ['unknown reason']
  }
}

function reportOf({ ofRequests }: Metrics, { recent }: Gateway): WorkerReport {
  const { user, system } = process.cpuUsage()
  return {
    samples: Object.fromEntries(ofRequests.map((instrument) => [instrument.name, instrument.samples()])),
    recentRequests: recent.list(),
    cpuSeconds: (user + system) / 1e6,
    memoryBytes: process.memoryUsage.rss(),
  }
}
