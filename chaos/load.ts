import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What one request came to: a status, or the code of the failure. */
export type Result = number | string

/** One request to be made. */
export interface Call {
  readonly port: number
  readonly path: string
  readonly method?: string
  readonly body?: Buffer
}

/** Makes one request and reads the answer whole. */
export function call({ port, path, method = 'GET', body }: Call, agent: Agent): Promise<Result> {
  return new Promise((resolve) => {
    const fail = (error: Error): void => resolve('code' in error && typeof error.code === 'string' ? error.code : error.name)
    const headers = body === undefined ? {} : { 'content-length': body.length }
    const sent = request({ port, host: '127.0.0.1', path, method, agent, headers }, (answer) => {
      answer.on('error', fail)
      answer.on('end', () => resolve(answer.statusCode ?? 0))
      answer.resume()
    })
    sent.on('error', fail)
    sent.end(body)
  })
}

/** A load that goes on. */
export interface Load {
  readonly results: ReadonlyMap<Result, number>
  /** How long requests took, in milliseconds. */
  readonly tookMs: readonly number[]
  stop(): Promise<void>
}

/**
 * Calls at a steady rate, whether or not answers come.
 * @param make makes each call
 */
export function steadyLoad(perSecond: number, make: (nth: number) => Call): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 64 })
  const results = new Map<Result, number>()
  const tookMs: number[] = []
  const running = new Set<Promise<void>>()
  const startedMs = performance.now()
  const end = new AbortController()
  const once = async (nth: number): Promise<void> => {
    const beganMs = performance.now()
    const result = await call(make(nth), agent)
    tookMs.push(performance.now() - beganMs)
    results.set(result, (results.get(result) ?? 0) + 1)
  }
  const ticking = (async () => {
    for (let nth = 0; !end.signal.aborted;) {
      for (const due = ((performance.now() - startedMs) / 1000) * perSecond; nth < due && !end.signal.aborted; nth++) {
        const task = once(nth)
        running.add(task)
        void task.finally(() => running.delete(task))
      }
      await sleep(5)
    }
  })()
  return {
    results,
    tookMs,
    stop: async () => {
      end.abort()
      await ticking
      await Promise.all(running)
      agent.destroy()
    },
  }
}

/** How many results there were, and of which kind. */
export function tally(results: ReadonlyMap<Result, number>): {
  readonly total: number
  readonly failed: number
  readonly text: string
} {
  const entries = [...results]
  const sum = (list: readonly (readonly [Result, number])[]): number => list.reduce((total, [, count]) => total + count, 0)
  const failures = entries.filter(([result]) => result !== 200)
  const text = failures.length === 0 ? '0 failed' : failures.map(([result, count]) => `${result}: ${count}`).join(', ')
  return { total: sum(entries), failed: sum(failures), text }
}
