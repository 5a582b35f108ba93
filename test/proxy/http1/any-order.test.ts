import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { createRandom } from '../../../chaos/random.ts'
import type { Random } from '../../../chaos/random.ts'
import type { Answer } from '../../../src/proxy/upstream/answer.ts'
import type { Attempt } from '../../../src/proxy/upstream/attempt.ts'
import type { ConnectionPool } from '../../../src/proxy/upstream/http1/connection-pool.ts'
import { watchParsers } from '../../support/parsed-answer.ts'
import { eventually } from '../../support/proxy-wait.ts'
import { tcpServer } from '../../support/servers.ts'
import { attempt, freeSlots, poolTo, textOf } from '../../support/upstream-client.ts'

const max = 4
const timeouts = { connect: 300, response: 300, idle: 300 }
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Answers each request with its own number, and does everything else that an upstream can do. */
function misbehave(socket: Socket, random: Random): void {
  let received = ''
  const answer = async (piece: Buffer): Promise<void> => {
    received += piece.toString('latin1')
    const [, nth] = /^[A-Z]+ \/(\d+) [^]*?\r\n\r\n/.exec(received) ?? []
    if (nth === undefined || (received.startsWith('POST') && !received.includes('end of body') && random.chance(0.7))) return
    received = ''
    if (random.chance(0.03)) return
    const interim = random.chance(0.2) ? 'HTTP/1.1 103 Early Hints\r\n\r\n' : ''
    const text = `${nth} `.repeat(random.of([1, 1, 1, 100, 30_000]))
    const status = random.of(['200 OK', '200 OK', '401 Unauthorized'])
    // In one piece with the answer: what comes when the connection is in use again, nobody can tell from an answer.
    const surplus = text.length < 1_000 && random.chance(0.05) ? 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison' : ''
    const whole = random.of([
      `HTTP/1.1 ${status}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
      `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\nX: y\r\n\r\n`,
      'HTTP/1.1 204 No Content\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw',
      'nonsense',
    ])
    const bytes = Buffer.from(interim + whole + surplus)
    const cut = surplus === '' && random.chance(0.3) ? random.below(bytes.length) : bytes.length
    socket.write(bytes.subarray(0, cut))
    if (random.chance(0.1)) await pause(random.below(20))
    const end = random.below(10)
    if (end === 0) socket.end()
    else if (end === 1) socket.resetAndDestroy()
    else socket.write(bytes.subarray(cut))
  }
  socket.on('data', (piece) => void answer(piece))
}

/** Has one request answered, and gives it up, takes it or leaves it as chance has it. @returns the body, if it was whole */
async function play(pool: ConnectionPool, nth: number, random: Random): Promise<string | undefined> {
  if (!pool.slots.tryTake()) await new Promise<void>((resolve) => pool.slots.wait(resolve))
  const isUpload = random.chance(0.4)
  const body = `${'x'.repeat(random.of([0, 10, 100_000]))}end of body`
  // One that wants an upgrade is read as a stream, also by those that use it later.
  const isFresh = random.chance(0.1)
  const method = isUpload ? 'POST' : 'GET'
  const contentLength = isUpload ? random.of([body.length, undefined]) : 0
  const fields = ['Host', 'a', ...(contentLength === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(contentLength)])] // prettier-ignore
  const asked = attempt(
    pool,
    { method, contentLength, target: `/${nth}`, fields },
    { timeouts, isFresh, upgrade: isFresh, hasSlot: true },
  )
  if (random.chance(0.1)) setTimeout(() => asked.abort(new Error('given up')), random.below(30))
  void send(asked, isUpload ? body : '', random)
  try {
    return await take(await asked.answer, random)
  } catch {
    return undefined
  }
}

async function send(asked: Attempt, body: string, random: Random): Promise<void> {
  if (random.chance(0.2)) await pause(random.below(10))
  for (let at = 0; at < body.length; at += 40_000) {
    asked.write(Buffer.from(body.slice(at, at + 40_000)))
    if (random.chance(0.2)) await pause(random.below(10))
  }
  if (random.chance(0.97)) asked.end()
  else asked.abort(new Error('cut'))
}

async function take(answer: Answer, random: Random): Promise<string | undefined> {
  try {
    if (random.chance(0.2)) await pause(random.below(20))
    if (random.chance(0.1)) return undefined
    if (random.chance(0.9)) return [101, 204].includes(answer.status) ? undefined : await textOf(answer)
    await new Promise<void>((resolve) => {
      const enough = (): boolean => {
        answer.body.destroy()
        resolve()
        return random.chance(0.5)
      }
      answer.body.flowTo({ write: enough, end: resolve, fail: resolve })
    })
    return undefined
  } finally {
    answer.release()
    if (random.chance(0.1)) answer.release()
  }
}

/*
 * Thousands of requests in which everything happens that can happen, in any order. Larger runs, with other seeds, are worth while after
 * a change.
 */
test('whatever upstream and caller do, no slot, parser or connection is lost, and no answer is for somebody else', async () => {
  const random = createRandom(Number(process.env['SEED'] ?? 1))
  const { live, misuses } = watchParsers()
  const sockets: Socket[] = []
  const upstream = await tcpServer((socket) => {
    sockets.push(socket)
    misbehave(socket, random)
  })
  const pool = poolTo(upstream.url, { max })
  const wrong: string[] = []
  let whole = 0
  let nth = 0
  const lane = async (): Promise<void> => {
    while (nth < 700) {
      const number = nth++
      const text = await play(pool, number, random)
      if (text === undefined) continue
      whole++
      if (text.replaceAll(`${number} `, '') !== '') wrong.push(text)
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  await eventually('all slots are back', () => freeSlots(pool) === max, 3_000)
  pool.close()
  expect([freeSlots(pool), misuses, live.size, wrong]).toEqual([max, [], 0, []])
  expect(whole).toBeGreaterThan(150)
  // The upstream may have missed the end of one that was given up while it was being made, until it writes to it.
  for (const socket of sockets) if (socket.writable) socket.write('x')
  await eventually('all connections are closed', () => upstream.openConnections() === 0, 5_000)
})
