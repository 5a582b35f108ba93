import { request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Random } from './random.ts'

/** What one request came to: a status, or how it ended without one. */
export type Http2Outcome = number | 'wrong' | 'cut' | 'left' | 'hung'

/** Answers a request with its own path again and again, and does what else an upstream of HTTP/2 can do. */
export function answerOrMisbehave(stream: ServerHttp2Stream, path: string, random: Random): void {
  const dice = random.below(100)
  const { session } = stream
  stream.resume()
  // With a connection go all that are on it.
  const fate = random.below(1_000)
  if (fate < 3) session?.destroy()
  else if (fate < 6) session?.socket.destroy()
  else if (dice < 4) stream.close(random.of([0, 2, 7, 8, 11]))
  else if (dice < 9) {
    stream.respond({ ':status': 200, 'content-length': 100 })
    stream.write('cut')
    setTimeout(() => stream.close(8), random.below(5))
  } else {
    const answer = (): void => {
      if (stream.destroyed || stream.headersSent) return
      stream.respond({ ':status': 200 })
      stream.end(`${path} `.repeat(random.of([1, 1, 100, 20_000])))
    }
    // In peace: what is under way is answered.
    if (dice < 11) session?.close()
    // Before the body has come, a while later, or behind it.
    if (dice < 30) answer()
    else if (dice < 40) setTimeout(answer, random.below(20))
    else stream.on('end', answer)
  }
}

/** Makes one request, of which four in ten are left and one upload in ten is cut. @param giveUpMs what nobody should ever wait */
export function callOrLeave(port: number, nth: number, random: Random, giveUpMs: number): Promise<Http2Outcome> {
  const isUpload = random.chance(0.5)
  const leavesAfterMs = random.chance(0.4) ? random.below(30) : undefined
  return new Promise((resolve) => {
    let hasLeft = false
    const finish = (outcome: Http2Outcome): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    const timer = setTimeout(() => {
      finish('hung')
      request.destroy()
    }, giveUpMs)
    const fail = (): void => finish(hasLeft ? 'left' : 'cut')
    const onAnswer = (answer: IncomingMessage): void => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('error', fail)
      answer.on('end', () => {
        const words = Buffer.concat(pieces).toString().split(' ')
        const isOwn = words.every((word) => word === `/${nth}` || word === '')
        finish(answer.statusCode === 200 && !isOwn ? 'wrong' : (answer.statusCode ?? 0))
      })
    }
    const options = { port, host: '127.0.0.1', path: `/api/${nth}`, method: isUpload ? 'POST' : 'GET', agent: false }
    const request = httpRequest(options, onAnswer)
    request.on('error', fail)
    const leave = (): void => {
      hasLeft = true
      request.destroy()
    }
    if (leavesAfterMs !== undefined) setTimeout(leave, leavesAfterMs)
    if (isUpload) upload(request, random, leave)
    else request.end()
  })
}

function upload(request: ClientRequest, random: Random, leave: () => void): void {
  const piece = Buffer.alloc(random.of([10, 1_000, 60_000, 200_000]))
  request.write(piece)
  const isCut = random.chance(0.1)
  setTimeout(() => (isCut ? leave() : request.end(piece)), random.below(10))
}
