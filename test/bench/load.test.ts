import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LoadResult, Pattern } from '../../bench/load/load.ts'
import { runLoad } from '../../bench/load/run-load.ts'

/** Puts load on a server that does this with each request. */
async function loadOn(pattern: Pattern, onRequest: (socket: Socket, nth: number) => void): Promise<LoadResult> {
  let requests = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => onRequest(socket, ++requests))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-bench-load-'))
  onTestFinished(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  const { port } = server.address() as AddressInfo
  const target = { base: `http://127.0.0.1:${port}`, ca: undefined, method: 'GET', path: '/', fields: {}, bodyBytes: 0 }
  return await runLoad(target, pattern, undefined, join(folder, 'load.log'))
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const refusal = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno'

describe.each([
  ['a burst', { kind: 'burst', connections: 20 }],
  ['a steady rate', { kind: 'steady', perSecond: 200, ms: 100 }],
] as const)('the load of the benchmark: %s', (_name, pattern) => {
  it('counts an answer in pieces once, a refusal and a cut answer as failed', async () => {
    const result = await loadOn(pattern, (socket, nth) => {
      if (nth % 4 === 0) socket.write(refusal)
      else if (nth % 4 === 1) socket.end(answer.slice(0, -1))
      else {
        socket.write(answer.slice(0, 10))
        setTimeout(() => socket.write(answer.slice(10)), 20)
      }
    })
    expect(result).toMatchObject({ answered: 10, failed: 10 })
    expect(result.tookMs?.p50).toBeGreaterThan(15)
  })
})

describe('the load of the benchmark: streams', () => {
  it('takes the time to the first byte of the body, and goes on when a connection ends', async () => {
    const result = await loadOn({ kind: 'streams', connections: 2, ms: 500 }, (socket, nth) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      setTimeout(() => socket.write('2\r\nok\r\n'), 20)
      setTimeout(() => (nth % 3 === 0 ? socket.destroy() : socket.write('0\r\n\r\n')), 60)
    })
    expect(result.answered).toBeGreaterThan(2)
    expect(result.failed).toBeGreaterThan(1)
    expect(result.firstByteMs?.p50).toBeGreaterThan(15)
    expect(result.tookMs?.p50).toBeGreaterThan(55)
  })
})
