import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../../src/config/secret.ts'
import { UpstreamTls } from '../../../src/proxy/upstream/http1/upstream-tls.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../../support/certificates.ts'
import { ask, attempt, freeSlots, poolTo, textOf } from '../../support/upstream-client.ts'

const ends = {
  'in peace': (tls: TLSSocket) => tls.end(),
  'by a reset': (_: TLSSocket, raw: Socket) => setTimeout(() => raw.resetAndDestroy(), 20),
  'without a word of TLS': (_: TLSSocket, raw: Socket) => setTimeout(() => raw.end(), 20),
}

/** An upstream that speaks TLS on a connection that it can also end behind its back. */
async function tlsPool(answer: (tls: TLSSocket, raw: Socket) => void) {
  const authority = certificateAuthority()
  const { cert, key } = authority.issue('upstream')
  const secureContext = createSecureContext({ cert: pemOf(cert), key: pemOf(key) })
  const open = new Set<Socket>()
  const server = createServer((raw) => {
    open.add(raw.on('error', () => {}))
    const tls = new TLSSocket(raw, { isServer: true, secureContext })
    tls.on('error', () => {})
    tls.on('data', () => answer(tls, raw))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const raw of open) raw.destroy()
    server.close()
  })
  const events = { onChange: () => {}, log: createLog({ write: () => {} }) }
  const tls = new UpstreamTls({ ca: Secret.of(pemOf(authority.cert)) }, events)
  return poolTo(`https://localhost:${(server.address() as AddressInfo).port}`, { tls, max: 1 })
}

test.skipIf(!hasOpenssl).each<[framing: string, rest: string, end: keyof typeof ends, text: string]>([
  ['a length', 'Content-Length: 4\r\n\r\ngood', 'in peace', 'good'],
  ['a length', 'Content-Length: 4\r\n\r\ngood', 'by a reset', 'good'],
  ['a length', 'Content-Length: 4\r\n\r\ngood', 'without a word of TLS', 'good'],
  ['a length', 'Content-Length: 9\r\n\r\ngood', 'in peace', 'cut after: good'],
  ['a length', 'Content-Length: 9\r\n\r\ngood', 'by a reset', 'cut after: good'],
  ['a length', 'Content-Length: 9\r\n\r\ngood', 'without a word of TLS', 'cut after: good'],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n', 'without a word of TLS', 'cut after: good'],
  ['nothing', '\r\ngood', 'in peace', 'good'],
  ['nothing', '\r\ngood', 'by a reset', 'cut after: good'],
  // RFC 9112 9.8 calls it incomplete; the platform does not tell whether TLS was ended before the connection was.
  ['nothing', '\r\ngood', 'without a word of TLS', 'good'],
])('over TLS, an answer that is delimited by %s (%j) and ends %s', async (_, rest, end, text) => {
  const pool = await tlsPool((tls, raw) => tls.write(`HTTP/1.1 200 OK\r\n${rest}`, () => ends[end](tls, raw)))
  const asked = attempt(pool)
  asked.end()
  const answer = await asked.answer
  expect(await textOf(answer).catch((error: unknown) => (error as Error).message)).toBe(text)
  expect(freeSlots(pool)).toBe(1)
})

test.skipIf(!hasOpenssl)(
  'over TLS, a large answer comes through whole to whoever takes it slowly, and the next one as well',
  async () => {
    const body = Buffer.alloc(1_000_000, 'abcdefg')
    const pool = await tlsPool((tls) => {
      tls.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
      tls.write(body)
    })
    for (let times = 0; times < 2; times++) {
      const asked = attempt(pool)
      asked.end()
      const answer = await asked.answer
      const pieces: Buffer[] = []
      await new Promise<void>((resolve, reject) => {
        const write = (piece: Buffer): boolean => {
          pieces.push(piece)
          setTimeout(() => answer.body.resume(), 1)
          return false
        }
        answer.body.flowTo({ write, end: resolve, fail: () => reject(new Error('cut')) })
      })
      expect(Buffer.concat(pieces).equals(body)).toBe(true)
    }
    expect((await ask(pool)).length).toBe(body.length)
  },
)
