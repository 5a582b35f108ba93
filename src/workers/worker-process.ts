import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { ConnectionTaker } from './caller-connections.ts'
import { Link } from './link.ts'
import type { ChannelEnd } from './link.ts'
import type { TokenDesk } from './token-desk.ts'
import type { ConfigMessage, FromMain, FromWorker, Problems, StartOrder, WorkerReport } from './vocabulary.ts'

/** How long a worker may take to tell what it has counted: a scrape does not wait for one that is stuck. */
const reportMs = 1_000
/** How long a worker that is not stuck may take to say that it is there. */
const heartbeatMs = 10_000
/** How long a worker may take to read a configuration, or to take it into use. */
const changeMs = 20_000
/** What a worker may take beyond the grace, to end what is still open. */
const endMs = 3_000

/** What one worker is given by whoever starts it. */
export interface WorkerProcessParts {
  readonly child: ChildProcess
  /** Makes the place where it asks for tokens. */
  readonly desk: (tell: Link<FromMain, FromWorker>['tell']) => TokenDesk
  /** So many of its connections have closed. */
  readonly onClosed: (count: number) => void
}

/** One worker, as the main process sees it. */
export class WorkerProcess implements ConnectionTaker {
  readonly desk: TokenDesk
  /** When it has ended, and how: its exit code or the signal that ended it. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  readonly #link: Link<FromMain, FromWorker>

  constructor({ child, desk: makeDesk, onClosed }: WorkerProcessParts) {
    this.#child = child
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      child.on('error', (error) => resolve(error.message))
    })
    this.#link = new Link(endOf(child), {
      notes: {
        closed: ({ count }) => onClosed(count),
        used: (supply) => this.desk.used(supply),
        dropped: (supply) => this.desk.dropped(supply),
        pointless: (supply) => this.desk.pointless(supply),
        replayed: (end) => this.desk.replayed(end),
      },
      questions: {
        obtain: (supply) => this.desk.obtain(supply),
        reject: (rejected) => this.desk.reject(rejected),
      },
    })
    this.desk = makeDesk((...said) => this.#link.tell(...said))
    void this.ended.then(() => this.desk.close())
  }

  /** Of its process; undefined when none could be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** @returns what stands in the way. @throws LinkError when it has ended instead */
  async start(order: StartOrder): Promise<Problems> {
    return (await inTime(this.#link.ask('start', order))) ?? unresponsive
  }

  give(socket: Socket, onSent: () => void): void {
    this.#link.tell('connection', null, socket, onSent)
  }

  /** @returns what stands in the way; nothing does where it has ended */
  async prepare(message: ConfigMessage): Promise<Problems> {
    return (await inTime(this.#link.ask('prepare', message).catch((): Problems => []))) ?? unresponsive
  }

  /** @returns whether it has taken what it prepared into use */
  async commit(generation: number): Promise<boolean> {
    return (await inTime(this.#link.ask('commit', { generation })).catch(() => undefined)) !== undefined
  }

  abandon(): void {
    this.#link.tell('abandon', null)
  }

  /**
   * Whether it answers. Asked again before that is doubted: when the whole machine has slept, every limit is over at once.
   * @returns false when it is stuck; what has ended is not
   */
  async isResponding(): Promise<boolean> {
    const answer = async (): Promise<null | undefined> =>
      await inTime(this.#link.ask('heartbeat', null), heartbeatMs).catch(() => null)
    return (await answer()) === null || (await answer()) === null
  }

  /** @returns undefined when it does not answer in time */
  async report(): Promise<WorkerReport | undefined> {
    return await inTime(this.#link.ask('report', null), reportMs).catch(() => undefined)
  }

  startDraining(): void {
    this.#link.tell('drain', null)
  }

  /** Has it serve what is open to its end, within the grace. @returns its last report; undefined when there is none to be had */
  async close(graceMs: number): Promise<WorkerReport | undefined> {
    return await inTime(this.#link.ask('close', { graceMs }), graceMs + endMs).catch(() => undefined)
  }

  /** Ends it, one way or the other. */
  async end(): Promise<void> {
    this.#link.tell('end', null)
    await inTime(this.ended, endMs)
    this.kill()
    await this.ended
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

function endOf(child: ChildProcess): ChannelEnd {
  return {
    send: (message, socket, onSent) => {
      if (!child.connected) return
      // Once it is on its way the system keeps it open. The platform would wait for a word from the worker, which may never come.
      child.send(message as object, socket, { keepOpen: true }, (error) => {
        if (error === null) onSent?.()
      })
    },
    onMessage: (listener) => child.on('message', (message, handle) => listener(message, handle as Socket | undefined)),
    // The channel itself does not always say that it has closed: not while a connection is on its way.
    onClose: (listener) => child.once('exit', listener).once('error', listener),
  }
}

/** @returns undefined when it takes too long */
async function inTime<Value>(promise: Promise<Value>, ms = changeMs): Promise<Value | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const unresponsive: Problems = ['a worker does not answer; the machine may be out of memory or of processor time']
