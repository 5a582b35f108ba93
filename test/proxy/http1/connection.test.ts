import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { Attempt } from '../../../src/proxy/upstream/attempt.ts'
import type { Answer } from '../../../src/proxy/upstream/answer.ts'
import { UpstreamError } from '../../../src/proxy/upstream/upstream-error.ts'
import { watchParsers } from '../../support/parsed-answer.ts'
import { eventually } from '../../support/proxy-wait.ts'
import { scriptedUpstream } from '../../support/scripted-upstream.ts'
import { ask, attempt, freeSlots, poolTo, textOf } from '../../support/upstream-client.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const good = `${ok}Content-Length: 4\r\n\r\ngood`
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`
const invalid = 'upstream_invalid'
const reset = 'upstream_reset'

/** In one word: status and body, where the body was cut, or why there is no answer. */
async function outcomeOf(asked: Attempt): Promise<string> {
  try {
    const answer = await asked.answer
    return `${answer.status} ${await textOf(answer).catch((error: unknown) => (error as Error).message)}`
  } catch (error) {
    return error instanceof UpstreamError ? error.gatewayError.code : String(error)
  }
}

const close = (socket: Socket): unknown => socket.end()
const breakOff = (socket: Socket): unknown => setTimeout(() => socket.resetAndDestroy(), 20)
const stay = (): void => {}

test.each<[what: string, bytes: string, then: (socket: Socket) => unknown, outcome: string, isKept: boolean, method?: string]>([
  ['a length', good, stay, '200 good', true],
  ['chunks', `${chunked}4\r\ngood\r\n0\r\n\r\n`, stay, '200 good', true],
  ['a length, and its end', good, close, '200 good', false],
  ['close', `${ok}Connection: close\r\nContent-Length: 4\r\n\r\ngood`, stay, '200 good', false],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ngood', stay, '200 good', false],
  ['surplus bytes', `${good}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`, stay, '200 good', false],
  ['a surplus line break', `${good}\r\n`, stay, '200 good', false],
  ['a body to HEAD', good, stay, '200 ', false, 'HEAD'],
  ['no body to HEAD', `${ok}Content-Length: 4\r\n\r\n`, stay, '200 ', true, 'HEAD'],
  ['a body with 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\ngood', stay, '204 ', false],
  ['a body with 304', 'HTTP/1.1 304 Not Modified\r\n\r\ngood', stay, '304 ', false],
  ['a length with 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n', stay, '304 ', true],
  ['no length, and its end', `${ok}\r\ngood`, close, '200 good', false],
  ['no length, and a reset', `${ok}\r\ngood`, breakOff, '200 cut after: good', false],
  ['a body cut by the end', `${ok}Content-Length: 9\r\n\r\ngood`, close, '200 cut after: good', false],
  ['a body cut by a reset', `${ok}Content-Length: 9\r\n\r\ngood`, breakOff, '200 cut after: good', false],
  ['chunks cut by the end', `${chunked}4\r\ngood\r\n`, close, '200 cut after: good', false],
  ['chunks cut by a reset', `${chunked}4\r\ngood\r\n`, breakOff, '200 cut after: good', false],
  ['a chunk that is none', `${chunked}4\r\ngood\r\nxyz`, stay, '200 cut after: good', false],
  ['a trailer that is none', `${chunked}4\r\ngood\r\n0\r\n\0: b\r\n\r\n`, stay, '200 cut after: good', false],
  ['nothing but the end', '', close, reset, false],
  ['nothing but a reset', '', breakOff, reset, false],
  ['half a head', `${ok}X: `, close, reset, false],
  ['an interim answer and the end', 'HTTP/1.1 103 Early Hints\r\n\r\n', close, reset, false],
  ['nonsense', '<html>', stay, invalid, false],
  [
    'a change of protocol',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
    stay,
    invalid,
    false,
  ],
  ['a bare 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', stay, invalid, false],
  ['400 interim answers', `${'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n'.repeat(400)}${good}`, stay, '200 good', true],
  [
    '100, 102 and 199',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 199 X\r\n\r\n${good}`,
    stay,
    '200 good',
    true,
  ],
])('an answer with %s: what becomes of it, and of the connection', async (_, bytes, then, outcome, isKept, method = 'GET') => {
  const { live, misuses } = watchParsers()
  const upstream = await scriptedUpstream((socket, nth) => {
    socket.write(nth === 0 ? bytes : good, 'latin1')
    if (nth === 0) then(socket)
  })
  const pool = poolTo(upstream.url, { max: 1 })
  const asked = attempt(pool, { method })
  asked.end()
  expect(await outcomeOf(asked)).toBe(outcome)
  expect(freeSlots(pool)).toBe(1)
  // What is already on its way must be here before the next request.
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(await ask(pool)).toBe('good')
  expect(upstream.connections()).toBe(isKept ? 1 : 2)
  pool.close()
  expect([misuses, live.size]).toEqual([[], 0])
})

test.each([
  ['an answer that nobody asked for', good],
  ['a line break', '\r\n'],
])('%s ends an idle connection', async (_, bytes) => {
  const upstream = await scriptedUpstream((socket) => {
    socket.write(good)
    setTimeout(() => socket.write(bytes), 50)
  })
  const pool = poolTo(upstream.url)
  expect(await ask(pool)).toBe('good')
  await eventually('it is closed', () => upstream.openConnections() === 0)
})

/*
 * A 408 for an idle connection, or an answer slipped in behind the one before, was taken for the answer to the next request where it
 * came between the choice of the connection and the first byte of the request.
 */
test('what comes before the request is written is no answer to it', async () => {
  let upstreamSide: Socket | undefined
  const upstream = await scriptedUpstream((socket) => {
    upstreamSide = socket
    socket.write(good)
  })
  const pool = poolTo(upstream.url, { max: 1 })
  await ask(pool)
  const asked = await new Promise<Attempt>((resolve) => {
    // Before the platform gets to what was set to come next, it looks at what has come in.
    setTimeout(() => {
      upstreamSide?.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')
      resolve(attempt(pool, { method: 'POST', contentLength: 4 }))
    }, 1)
  })
  await expect(asked.answer).rejects.toMatchObject({ isStale: true, isSent: false, gatewayError: { code: reset } })
  expect(freeSlots(pool)).toBe(1)
})

const upgraded = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'

test('the connection after a 101 belongs to whoever asked for it, with every byte behind it, until it is closed', async () => {
  const upstream = await scriptedUpstream((socket) => {
    socket.write(`${upgraded}first `)
    setTimeout(() => socket.write('second '), 20)
    setTimeout(() => socket.end('third'), 40)
  })
  const pool = poolTo(upstream.url, { max: 1 })
  const asked = attempt(pool, {}, { upgrade: true })
  asked.end()
  const { tunnel } = await asked.answer
  let text = tunnel?.head.toString() ?? ''
  for await (const piece of tunnel?.socket ?? []) text += String(piece)
  expect(text).toBe('first second third')
  tunnel?.socket.destroy()
  await eventually('the slot is back', () => freeSlots(pool) === 1)
})

/* It went to the idle ones, where the next request would have been written into somebody's tunnel. */
test('a connection that was upgraded before the request was at its end serves no other request', async () => {
  const upstream = await scriptedUpstream((socket) => socket.write(upgraded))
  const pool = poolTo(upstream.url, { max: 1 })
  const asked = attempt(pool, { contentLength: 4 }, { upgrade: true })
  const { tunnel } = await asked.answer
  asked.write(Buffer.from('late'))
  asked.end()
  expect(pool.takeIdle()).toBeUndefined()
  expect([freeSlots(pool), tunnel?.socket.destroyed]).toEqual([0, false])
  tunnel?.socket.destroy()
  await eventually('the slot is back', () => freeSlots(pool) === 1)
})

/** One after another, when the previous one has had its effect. */
const steps: readonly [order: string, run: (asked: Attempt, answer: Answer) => unknown][] = [
  ['released', (_, answer) => answer.release()],
  ['released twice', (_, answer) => (answer.release(), answer.release())],
  ['given up', (asked) => asked.abort(new Error('given up'))],
  ['released and given up', (asked, answer) => (answer.release(), asked.abort(new Error('given up')), answer.release())],
  ['taken and released', async (_, answer) => (await textOf(answer).catch(() => ''), answer.release())],
  ['taken, then given up', async (asked, answer) => (await textOf(answer).catch(() => ''), asked.abort(new Error('given up')))],
  [
    'ended from within its first piece',
    (_, { body }) => body.flowTo({ write: () => (body.destroy(), false), end: stay, fail: stay }),
  ],
  ['released from within its first piece', (_, { body, release }) => body.flowTo({ write: () => (release(), true), end: stay, fail: stay })], // prettier-ignore
]
const states: readonly [state: string, bytes: string, method: string, isEnded: boolean][] = [
  ['whole', good, 'GET', true],
  ['whole before the request is', good, 'POST', false],
  ['under way', `${ok}Content-Length: 9\r\n\r\ngood`, 'GET', true],
  ['under way before the request is at its end', `${ok}Content-Length: 9\r\n\r\ngood`, 'POST', false],
  ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', 'GET', true],
  ['a tunnel', upgraded, 'GET', true],
  ['much', `${ok}Content-Length: 9000000\r\n\r\n${'a'.repeat(1_000_000)}`, 'GET', true],
]
const table = states.flatMap(([state, ...more]) => steps.map(([what, run]) => [state, what, run, more] as const))

test.each(table)('an answer that is %s and then %s gives its slot back once', async (state, what, run, more) => {
  const [bytes, method, isEnded] = more
  const upstream = await scriptedUpstream((socket) => {
    socket.write(bytes)
    if (what.startsWith('taken')) setTimeout(() => socket.end(), 20)
    else if (state === 'under way') setTimeout(() => socket.write(' rest'), 50)
  })
  const pool = poolTo(upstream.url, { max: 2 })
  const asked = attempt(pool, { method, contentLength: isEnded ? 0 : 100 }, { upgrade: bytes === upgraded })
  if (isEnded) asked.end()
  const answer = await asked.answer
  await new Promise((resolve) => setTimeout(resolve, 5))
  await run(asked, answer)
  // As whoever relays an answer does in the end.
  answer.release()
  await eventually('the slot is back', () => freeSlots(pool) === 2)
  pool.close()
  await eventually('the connection is closed', () => upstream.openConnections() === 0)
  expect(freeSlots(pool)).toBe(2)
})
