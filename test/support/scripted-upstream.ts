import type { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import { tcpServer } from './servers.ts'
import type { TestServer } from './servers.ts'

/**
 * An upstream that does what it is told to when a request has come.
 * @param answer by the number of the request, over all connections
 */
export function scriptedUpstream(answer: (socket: Socket, nth: number) => void): Promise<TestServer> {
  let requests = 0
  return tcpServer((socket) => {
    let received = ''
    socket.on('data', (piece) => {
      received += piece.toString('latin1')
      if (!received.includes('\r\n\r\n')) return
      received = ''
      answer(socket, requests++)
    })
  })
}

/** An upstream that answers on the first bytes, and closes, while this thread stands still. */
export interface ClosingUpstream {
  readonly url: string
  /** Stands still until the upstream has answered and closed the connection. */
  waitUntilClosed(): void
}

/**
 * An upstream in a thread of its own: whatever it does has reached this process before anything else happens here.
 * @param how `end` closes in peace, `reset` breaks off
 */
export async function closingUpstream(answer: string, how: 'end' | 'reset'): Promise<ClosingUpstream> {
  const closed = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(closingScript, { eval: true, workerData: { answer, how, closed } })
  onTestFinished(async () => void (await worker.terminate()))
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    waitUntilClosed: () => {
      Atomics.wait(closed, 0, 0, 5_000)
      // What is on its way on loopback arrives.
      standStill(20)
    },
  }
}

/** Blocks this thread. */
export function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const closingScript = `
  const { createServer } = require('node:net')
  const { parentPort, workerData: { answer, how, closed } } = require('node:worker_threads')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('close', () => {
      Atomics.store(closed, 0, 1)
      Atomics.notify(closed, 0)
    })
    socket.once('data', () => socket.write(answer, () => {
      if (how === 'end') socket.destroy()
      else setTimeout(() => socket.resetAndDestroy(), 20)
    }))
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`
