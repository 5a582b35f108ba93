import { connect } from 'node:net'
import type { Random } from './random.ts'
import { readAnswer } from './strict-answer.ts'
import { readRequests } from './strict-request.ts'
import type { StrictRequest } from './strict-request.ts'
import { difference, recordingUpstream } from './recording-upstream.ts'
import type { Meant, RecordingUpstream } from './recording-upstream.ts'
import { mutate, seedRequests } from './request-corpus.ts'
import type { Problems } from './scenario.ts'
import { secretMark } from './token-endpoint.ts'
import { became, inParallel } from './wait.ts'

/** A route with a recording upstream of its own, on which one caller at a time misbehaves. */
export interface RequestLane extends Meant {
  readonly upstream: RecordingUpstream
}

/** Names that no slip of one byte turns into each other. */
const laneNames = ['alpha', 'bravo', 'charlie', 'delta'] as const

/** Starts the upstreams of the lanes. */
export async function requestLanes(): Promise<RequestLane[]> {
  return await Promise.all(
    laneNames.map(async (name) => {
      const upstream = await recordingUpstream()
      return { upstream, prefix: `/${name}`, basePath: '/v1', authority: `127.0.0.1:${upstream.port}` }
    }),
  )
}

/** What came of an attack with requests. */
export interface RequestTally {
  answers: Record<string, number>
  /** Requests that went upstream whole, and as their beginnings. */
  forwarded: number
  cut: number
  slowestMs: number
}

/** How long one caller may be left without an end. Nothing here takes the gateway more than a moment. */
const hangMs = 10_000

/** Sends so many malformed requests to a gateway and looks at what comes of them, on both sides. */
export async function attackWithRequests(
  port: number,
  lanes: readonly RequestLane[],
  { count, random, problems }: { readonly count: number; readonly random: Random; readonly problems: Problems },
): Promise<RequestTally> {
  const tally: RequestTally = { answers: {}, forwarded: 0, cut: 0, slowestMs: 0 }
  const perLane = Math.ceil(count / lanes.length)
  await Promise.all(
    lanes.map(async (lane) => {
      const chance = random.fork(lane.prefix)
      const recent: StrictRequest[] = []
      await inParallel(perLane, 1, async (nth) => {
        const seeds = seedRequests(`${lane.prefix}/case-${nth}`)
        const bytes = nth < seeds.length ? (seeds[nth] ?? '') : mutate(chance.of(seeds), chance, seeds)
        recent.push(...readRequests(bytes).requests)
        recent.splice(0, recent.length - 40)
        await attackOnce(port, lane, bytes, recent, tally, problems, chance)
      })
    }),
  )
  return tally
}

async function attackOnce(
  port: number,
  lane: RequestLane,
  bytes: string,
  meant: readonly StrictRequest[],
  tally: RequestTally,
  problems: Problems,
  random: Random,
): Promise<void> {
  const show = JSON.stringify(bytes.slice(0, 600))
  const startedMs = performance.now()
  const expected = readRequests(bytes).requests.filter(({ isWhole }) => isWhole).length
  const received = await exchange(port, bytes, expected, random)
  tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startedMs)
  if (received === undefined) problems.add('a caller was left without an end', show)
  else countAnswers(received, tally, problems, show)
  problems.expect(
    await became(() => !lane.upstream.isWaiting(), 2_000),
    'a request was neither finished nor broken off upstream',
    show,
  )

  const { whole, cut, nonsense } = lane.upstream.take()
  const numbers = new Set(whole.map(({ number }) => number))
  for (const [, number] of received?.matchAll(/X-Answer-To: (\d+)/g) ?? []) {
    problems.expect(numbers.has(Number(number)), 'an answer to a request of another caller', show)
  }
  tally.forwarded += whole.length
  tally.cut += cut.length
  for (const text of nonsense) problems.add('bytes at the upstream that are no request', `${text} from ${show}`)
  for (const [isCut, list] of [
    [false, whole],
    [true, cut],
  ] as const) {
    for (const came of list) {
      const reasons = meant.map((sent) => difference(came, sent, lane, isCut))
      if (!reasons.includes(undefined)) {
        const what = reasons.findLast((reason) => reason !== 'the target' && reason !== 'the method') ?? 'the whole'
        problems.add(
          `a ${isCut ? 'cut ' : ''}request upstream that nobody meant (${what})`,
          `${JSON.stringify(came.startLine)} from ${show}`,
        )
      }
    }
  }
}

/** How long a caller waits for the rest before it says that there is nothing to wait for. */
const quietMs = 60

/**
 * Sends bytes in one piece or two and waits for the end. A caller that has its answers, or has waited long enough for them, says
 * that it will send nothing more, and the gateway has to end the connection.
 * @returns everything received; undefined when there was no end
 */
function exchange(port: number, bytes: string, expected: number, random: Random): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    let text = ''
    const timer = setTimeout(() => {
      socket.destroy()
      resolve(undefined)
    }, hangMs)
    let quiet: NodeJS.Timeout | undefined
    const listen = (): void => {
      clearTimeout(quiet)
      if (expected > 0 && text.split('HTTP/1.1 ').length > expected) socket.end()
      else quiet = setTimeout(() => socket.end(), quietMs)
    }
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      listen()
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(timer)
      clearTimeout(quiet)
      resolve(text)
    })
    const cutAt = random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length
    socket.write(bytes.slice(0, cutAt), 'latin1')
    if (cutAt === bytes.length) listen()
    else {
      setTimeout(() => {
        if (!socket.writable) return
        socket.write(bytes.slice(cutAt), 'latin1')
        listen()
      }, 2)
    }
  })
}

function countAnswers(text: string, tally: RequestTally, problems: Problems, show: string): void {
  problems.expect(!text.includes(secretMark), 'a secret in an answer', show)
  let at = 0
  let count = 0
  while (at < text.length) {
    const isForHead = /\r\nX-Answer-To: /.test(text.slice(at, at + 400)) && !/answer \d/.test(text.slice(at, at + 600))
    try {
      const answer = readAnswer(text, isForHead ? 'HEAD' : 'GET', true, at)
      if (answer === undefined) break
      count++
      tally.answers[answer.status] = (tally.answers[answer.status] ?? 0) + 1
      if (answer.status === 500) problems.add('an error inside the gateway', show)
      at = answer.isWhole ? answer.endAt : text.length
    } catch {
      // The answer to a HEAD that the gateway refused has no body; what follows it is read from its end.
      break
    }
  }
  if (count === 0) tally.answers['none'] = (tally.answers['none'] ?? 0) + 1
}
