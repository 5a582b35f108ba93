import { expect, test } from 'vitest'
import type { Attempt } from '../../../src/proxy/upstream/attempt.ts'
import { closingUpstream, standStill } from '../../support/scripted-upstream.ts'
import type { ClosingUpstream } from '../../support/scripted-upstream.ts'
import { attempt, freeSlots, poolTo, textOf } from '../../support/upstream-client.ts'

/*
 * An upstream that refuses an upload answers early and closes at once. Where the next piece meets that first, the platform throws the
 * answer away (nodejs/node#54366); so did we with its end: an answer that ends with its connection hung for as long as it may be idle.
 */
test.each([
  ['whole, of a length', 'Content-Length: 3\r\n\r\nwhy', 'end', 'why'],
  ['whole, of a length, by a reset', 'Content-Length: 3\r\n\r\nwhy', 'reset', 'why'],
  ['whole, up to the end of the connection', '\r\nwhy', 'end', 'why'],
  ['cut, of a length', 'Content-Length: 30\r\n\r\nwhy', 'end', 'cut after: why'],
  ['cut, of a length, by a reset', 'Content-Length: 30\r\n\r\nwhy', 'reset', 'cut after: why'],
  ['cut, up to the end of the connection, by a reset', '\r\nwhy', 'reset', 'cut after: why'],
] as const)('an early answer is read after a write has failed, and its end at once: %s', async (_, rest, how, text) => {
  const upstream = await closingUpstream(`HTTP/1.1 401 Unauthorized\r\n${rest}`, how)
  const pool = poolTo(upstream.url, { max: 1 })
  const asked = await uploadInto(upstream, () => attempt(pool, { method: 'POST', contentLength: 1_000_000 }))
  const answer = await asked.answer
  const startedMs = performance.now()
  expect(answer.status).toBe(401)
  expect(await textOf(answer).catch((error: unknown) => (error as Error).message)).toBe(text)
  expect(performance.now() - startedMs).toBeLessThan(900)
  answer.release()
  expect(freeSlots(pool)).toBe(1)
})

test.each(['end', 'reset'] as const)('a failed write without any answer is told at once: %s', async (how) => {
  const upstream = await closingUpstream('', how)
  const pool = poolTo(upstream.url, { max: 1 })
  const asked = await uploadInto(upstream, () => attempt(pool, { method: 'POST', contentLength: 1_000_000 }))
  const startedMs = performance.now()
  await expect(asked.answer).rejects.toMatchObject({ gatewayError: { code: 'upstream_reset' }, isSent: true, isStale: false })
  expect(performance.now() - startedMs).toBeLessThan(900)
  expect(freeSlots(pool)).toBe(1)
})

/** Begins an upload, and writes on once the upstream has closed, before anything that it said is read. */
async function uploadInto(upstream: ClosingUpstream, start: () => Attempt): Promise<Attempt> {
  const asked = start()
  await new Promise<void>((resolve) => {
    asked.onDrain = resolve
    asked.write(Buffer.alloc(10))
  })
  upstream.waitUntilClosed()
  // The first may only bring about the reset that the second meets.
  asked.write(Buffer.alloc(1_000))
  standStill(20)
  asked.write(Buffer.alloc(1_000))
  return asked
}
