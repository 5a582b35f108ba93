import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

/** What a caller got. */
export interface Answer {
  /** 0: the connection failed. */
  readonly status: number
  /** The code of the error with which the connection failed. */
  readonly failure: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  /** Whether the connection had been used before. */
  readonly isOnKeptConnection: boolean
  readonly startedMs: number
  readonly tookMs: number
}

/** Callers that keep their connections; these are closed when the test ends. */
export interface Callers {
  /** One request. */
  call(url: string): Promise<Answer>
  /** So many requests to each of these at the same time. */
  burst(urls: readonly string[], each: number): Promise<readonly Answer[]>
  /** Callers without end: each makes a request, waits for its answer and for the rest of its period, and makes the next. */
  keepCalling(urls: readonly string[], load: SteadyLoad): RunningLoad
}

/** A load that goes on. */
export interface SteadyLoad {
  /** Callers for each URL. */
  readonly callers: number
  /** How often each of them calls. */
  readonly periodMs: number
  /** As behind a load balancer: who refuses connections or wants them closed is passed over for a while, and a refused one tried elsewhere. */
  readonly isBalanced?: boolean
}

/** How long a load balancer passes over a server that is not well. */
const stayAwayMs = 500

/** A load that is under way. */
export interface RunningLoad {
  readonly answers: readonly Answer[]
  /** Ends it, and waits for the last answers. */
  stop(): Promise<readonly Answer[]>
}

/** Gets callers for the test that runs. */
export function callersForTest(): Callers {
  const agent = new Agent({ keepAlive: true })
  const loads = new Set<RunningLoad>()
  onTestFinished(async () => {
    const stopped = Promise.all([...loads].map(async (load) => await load.stop()))
    agent.destroy()
    await stopped
  })
  const call = (url: string): Promise<Answer> => send(url, agent)
  return {
    call,
    burst: async (urls, each) =>
      await Promise.all(urls.flatMap((url) => Array.from({ length: each }, async () => await call(url)))),
    keepCalling: (urls, { callers, periodMs, isBalanced = false }) => {
      const answers: Answer[] = []
      const end = new AbortController()
      const leavingUntilMs = new Map<string, number>()
      const choose = (first: number): string => {
        const inOrder = [...urls.slice(first), ...urls.slice(0, first)]
        return inOrder.find((url) => (leavingUntilMs.get(url) ?? 0) < performance.now()) ?? inOrder[0] ?? ''
      }
      const callOnce = async (first: number, attemptsLeft = urls.length): Promise<Answer> => {
        const url = choose(first)
        const answer = await call(url)
        if (!isBalanced) return answer
        const isRefused = answer.failure === 'ECONNREFUSED'
        if (isRefused || answer.headers['connection'] === 'close') leavingUntilMs.set(url, performance.now() + stayAwayMs)
        return isRefused && attemptsLeft > 1 ? await callOnce(first, attemptsLeft - 1) : answer
      }
      const run = async (first: number, delayMs: number): Promise<void> => {
        await sleep(delayMs)
        while (!end.signal.aborted) {
          const startedMs = performance.now()
          answers.push(await callOnce(first))
          await sleep(Math.max(periodMs - (performance.now() - startedMs), 0))
        }
      }
      const running = urls.flatMap((_, place) =>
        Array.from({ length: callers }, async (__, nth) => await run(place, (periodMs * (nth + place / urls.length)) / callers)),
      )
      const load: RunningLoad = {
        answers,
        stop: async () => {
          end.abort()
          await Promise.all(running)
          return answers
        },
      }
      loads.add(load)
      return load
    },
  }
}

/** How many answers there were of each kind: what a test of a load compares. */
export function tally(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status, failure } of answers) {
    const kind = failure ?? String(status)
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

/** The time within which this share of the answers came, in milliseconds. */
export function quantile(answers: readonly Answer[], share: number): number {
  const sorted = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? 0
}

function send(url: string, agent: Agent): Promise<Answer> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const end = (status: number, headers: Answer['headers'], failure?: string): void =>
      resolve({
        status,
        failure,
        headers,
        isOnKeptConnection: sent.reusedSocket,
        startedMs,
        tookMs: performance.now() - startedMs,
      })
    const sent = request(url, { agent }, (response) => {
      response.on('error', (error) => end(0, {}, codeOf(error)))
      response.on('end', () => end(response.statusCode ?? 0, response.headers))
      response.resume()
    })
    sent.on('error', (error) => end(0, {}, codeOf(error)))
    sent.end()
  })
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
