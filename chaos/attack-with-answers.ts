import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { goodAnswer, malformedAnswer } from './answer-corpus.ts'
import type { MalformedAnswer } from './answer-corpus.ts'
import type { Random } from './random.ts'
import type { Problems } from './scenario.ts'
import { tcpServer } from './servers.ts'
import type { ChaosServer } from './servers.ts'
import { readAnswer } from './strict-answer.ts'
import type { StrictAnswer } from './strict-answer.ts'
import { readRequests } from './strict-request.ts'
import { secretMark } from './token-endpoint.ts'
import { became } from './wait.ts'

/** An upstream that answers as it is told, and its two routes. */
export interface AnswerLane {
  /** For answers that come to their end. */
  readonly prefix: string
  /** For those that stall, which are given up soon. */
  readonly hastyPrefix: string
  readonly upstream: ChaosServer
  /** The connection on which `/attack` was answered last. */
  attacked: Socket | undefined
  /** What it answers to `/attack`; everything else gets a good answer that says what it answers. */
  answer: MalformedAnswer
}

/** What came of an attack with answers. */
export interface AnswerTally {
  outcomes: Record<string, number>
  slowestMs: number
}

/** A busy machine holds a process up for longer than it takes to give up what stalls: then a good answer must not be given up too. */
const patient = '5s'
/** How soon what stalls is given up. */
export const hasty = '300ms'
/** Far above these timeouts: whoever waits for so long waits for ever. */
const hangMs = 15_000
/** How long a connection on which more came than an answer may take to be closed, on a busy machine. */
const surplusMs = 2_000

/** Starts upstreams that answer as they are told. */
export async function answerLanes(howMany: number): Promise<AnswerLane[]> {
  return await Promise.all(
    Array.from({ length: howMany }, async (_, nth) => {
      const lane: AnswerLane = {
        prefix: `/lane-${nth}`,
        hastyPrefix: `/hasty-lane-${nth}`,
        answer: goodAnswer,
        attacked: undefined,
        upstream: await tcpServer((socket) => {
          let text = ''
          socket.setEncoding('latin1')
          socket.on('data', (chunk: string) => {
            text += chunk
            for (;;) {
              const request = readRequests(text).requests[0]
              if (request?.isWhole !== true) return
              text = text.slice(request.endAt)
              if (request.target.startsWith('/attack')) {
                lane.attacked = socket
                void play(socket, lane.answer)
              } else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${request.target.length}\r\n\r\n${request.target}`)
            }
          })
        }),
      }
      return lane
    }),
  )
}

/** The routes to these upstreams, as in a configuration: one connection each, so that a poisoned one cannot be missed. */
export function answerRoutes(lanes: readonly AnswerLane[]): Readonly<Record<string, unknown>>[] {
  return lanes.flatMap(({ prefix, hastyPrefix, upstream }) =>
    (
      [
        [prefix, patient],
        [hastyPrefix, hasty],
      ] as const
    ).map(([path, timeout]) => ({
      path,
      upstream: upstream.url,
      max_connections: 1,
      timeouts: { response: timeout, idle: timeout },
    })),
  )
}

async function play(socket: Socket, { bytes, end, later, isSlow }: MalformedAnswer): Promise<void> {
  const slowly = isSlow ? bytes.slice(0, 12) : ''
  for (const byte of slowly) {
    socket.write(byte, 'latin1')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  socket.write(bytes.slice(slowly.length), 'latin1', () => {
    // What has been sent is read before a reset is noticed only if it is there before.
    if (end === 'close') socket.end()
    else if (end === 'reset') setTimeout(() => socket.resetAndDestroy(), 10)
    else if (later !== '') setTimeout(() => socket.write(later, 'latin1'), 5)
  })
}

/** Has so many malformed answers sent through a gateway, each followed by a good one on the same route. */
export async function attackWithAnswers(
  port: number,
  lanes: readonly AnswerLane[],
  { count, random, problems }: { readonly count: number; readonly random: Random; readonly problems: Problems },
): Promise<AnswerTally> {
  const tally: AnswerTally = { outcomes: {}, slowestMs: 0 }
  let next = 0
  await Promise.all(
    lanes.map(async (lane) => {
      for (let nth = next++; nth < count; nth = next++) {
        lane.answer = malformedAnswer(nth, random.fork(`answer ${nth}`))
        await attackOnce(port, lane, nth, random.fork(`caller ${nth}`), tally, problems)
      }
    }),
  )
  return tally
}

async function attackOnce(
  port: number,
  lane: AnswerLane,
  nth: number,
  random: Random,
  tally: AnswerTally,
  problems: Problems,
): Promise<void> {
  const method = random.of(['GET', 'GET', 'GET', 'HEAD', 'POST'])
  const show = `${method} ${JSON.stringify({ ...lane.answer, bytes: lane.answer.bytes.slice(0, 500) })}`
  const body = method === 'POST' ? 'Content-Length: 4\r\n' : ''
  const stalls = mayStall(lane.answer, method)
  const prefix = stalls ? lane.hastyPrefix : lane.prefix
  const startedMs = performance.now()
  const came = await ask(
    port,
    method,
    `${method} ${prefix}/attack HTTP/1.1\r\nHost: localhost\r\n${body}Connection: close\r\n\r\n${body && 'body'}`,
  )
  tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startedMs)
  const outcome = judge(came, method, lane.answer, problems, show)
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1
  // What is sent ahead of the next request is no answer to it; what is sent behind it, nobody could tell from one. And a connection that is
  // ended in the middle of a later answer is not what is tried here.
  if (lane.answer.end !== 'keep' || lane.answer.later !== '') await became(() => lane.attacked?.closed !== false, surplusMs)
  const target = `/good-${nth}`
  const good = `GET ${prefix}${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
  let after = await ask(port, 'GET', good)
  // In so short a time a busy machine may answer nothing at all.
  const attempts = stalls ? 6 : 1
  for (let attempt = 1; attempt < attempts && after?.answer?.status === 504; attempt++) after = await ask(port, 'GET', good)
  const isGood = after?.answer?.status === 200 && after.answer.body === target && after.answer.isWhole
  problems.expect(
    isGood,
    'the next request was not answered as it should be',
    `${JSON.stringify(after?.text.slice(-300))} after ${show}`,
  )
}

/** Whether the upstream leaves it open how its answer goes on, or what it is. */
function mayStall({ bytes, end, later }: MalformedAnswer, method: string): boolean {
  if (end !== 'keep') return false
  try {
    return readAnswer(bytes + later, method, false)?.isWhole !== true
  } catch {
    return true
  }
}

interface Came {
  readonly text: string
  readonly answer: StrictAnswer | undefined
}

/** Asks on a connection of its own. @returns undefined when there is no end */
function ask(port: number, method: string, request: string): Promise<Came | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let text = ''
    let isClean = false
    const timer = setTimeout(() => {
      socket.destroy()
      resolve(undefined)
    }, hangMs)
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => (isClean = true))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      let answer
      try {
        answer = readAnswer(text, method, isClean)
      } catch {
        answer = undefined
      }
      resolve({ text, answer })
    })
    socket.write(request, 'latin1')
  })
}

/** Compares what the caller got with what a strict reader makes of the upstream's bytes. @returns what it was, for the tally */
function judge(came: Came | undefined, method: string, sent: MalformedAnswer, problems: Problems, show: string): string {
  if (came === undefined) {
    problems.add('a caller was left without an answer', show)
    return 'hang'
  }
  const { text, answer } = came
  const got = `${JSON.stringify(text.slice(0, 300))} for ${show}`
  problems.expect(!text.includes(secretMark), 'a secret in an answer', got)
  problems.expect(!text.includes('internal_error'), 'an error inside the gateway', got)
  let wanted: StrictAnswer | undefined
  let why = 'its head is cut'
  try {
    wanted = readAnswer(sent.bytes, method, sent.end === 'close')
    // What comes later may still belong to it.
    if (wanted?.isWhole !== true && sent.end === 'keep') wanted = readAnswer(sent.bytes + sent.later, method, false)
  } catch (error) {
    why = String(error)
  }
  const isOurs = /\r\nproxy-status: bearerd; error=/i.test(text) && /\r\nContent-Type: application\/problem\+json/i.test(text)
  if (answer !== undefined && isOurs) {
    problems.expect([502, 504].includes(answer.status) && (answer.isWhole || method === 'HEAD'), 'a problem of another kind', got)
    // Of an answer that is whole nothing may be lost, unless nonsense or a reset came right behind it.
    const isPlain =
      wanted?.isWhole === true && wanted.endAt === sent.bytes.length && sent.end !== 'reset' && wanted.problem === undefined
    problems.expect(!isPlain || wanted === undefined || tooMuch(wanted, sent.bytes), 'a good answer was refused', got)
    return /"code":"([a-z_]+)"/.exec(text)?.[1] ?? `${answer.status} to HEAD`
  }
  if (answer === undefined) {
    // Nothing, or what cannot be read: the caller knows that something broke.
    problems.expect(text === '', 'an answer that is none', got)
    problems.expect(wanted?.isWhole !== true, 'a good answer was lost', got)
    return 'nothing'
  }
  if (wanted === undefined) {
    problems.add('bytes that are no answer became one', `${why}: ${got}`)
    return 'made up'
  }
  problems.expect(answer.status === wanted.status, 'another status', got)
  problems.expect(wanted.body.startsWith(answer.body), 'another body', got)
  problems.expect(!answer.isWhole || (wanted.isWhole && answer.body === wanted.body), 'a cut answer looks whole', got)
  problems.expect(answer.isWhole || !wanted.isWhole, 'a whole answer was cut', got)
  return answer.isWhole ? 'relayed whole' : 'relayed and cut'
}

/** The gateway's own bounds: a head of 64 KiB, and fields that it can count. */
function tooMuch({ fields }: StrictAnswer, bytes: string): boolean {
  return bytes.indexOf('\r\n\r\n') > 60_000 || fields.length > 1_000
}
