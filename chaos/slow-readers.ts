import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { httpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'

const answerBytes = 100 * 1024 ** 2
const allowedMiB = 40

/** Callers that read large answers slowly: the upstream has to wait, not the memory to grow. */
export const slowReaders: Scenario = {
  name: 'slow-readers',
  run: async ({ count, defer }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const piece = Buffer.alloc(64 * 1024, 'a')
    let written = 0
    const api = await httpServer((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-length': answerBytes })
      let left = answerBytes
      const send = (): void => {
        while (left > 0 && !response.destroyed) {
          left -= piece.length
          written += piece.length
          if (!response.write(piece)) {
            response.once('drain', send)
            return
          }
        }
        response.end()
      }
      send()
    })
    defer(() => api.close())
    const gateway = await startGatewayProcess(configOf(tokens.url, [{ path: '/api', upstream: api.url, max_connections: 200 }]))
    defer(() => gateway.stop())

    for (let nth = 0; nth < 5; nth++) await read(gateway.port, Number.POSITIVE_INFINITY, 0)
    await sleep(1_000)
    const beforeMiB = gateway.memoryMiB()
    written = 0
    const readers = count(100)
    const endMs = performance.now() + count(20_000, { quick: 5_000 })
    let highestMiB = beforeMiB
    const watching = setInterval(() => (highestMiB = Math.max(highestMiB, gateway.memoryMiB())), 100)
    const got = await Promise.all(Array.from({ length: readers }, async () => await read(gateway.port, endMs, 50)))
    clearInterval(watching)
    const whole = await read(gateway.port, Number.POSITIVE_INFINITY, 0)
    problems.expect(whole === answerBytes, `an answer of ${whole} bytes instead of ${answerBytes}`)
    problems.expect(Math.min(...got) > 0, 'a reader got nothing')
    const grownMiB = highestMiB - beforeMiB
    problems.expect(grownMiB < allowedMiB, `memory grew by ${grownMiB.toFixed(0)} MiB`)
    const readMiB = got.reduce((sum, bytes) => sum + bytes, 0) / 1024 ** 2
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    return {
      done: `${readers} readers of 100 MiB at up to 320 KiB/s each, ${readMiB.toFixed(0)} MiB read`,
      result: `memory ${beforeMiB.toFixed(0)} -> at most ${highestMiB.toFixed(0)} MiB (+${grownMiB.toFixed(0)}); the upstream had written ${(written / 1024 ** 2).toFixed(0)} MiB`,
      problems: problems.list(),
    }
  },
}

/** Reads an answer, 16 KiB at a time with pauses, until it ends or the time has come. @returns bytes of its body */
function read(port: number, untilMs: number, pauseMs: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let received = 0
    let headBytes = 0
    const finish = (): void => {
      socket.destroy()
      resolve(Math.max(received - headBytes, 0))
    }
    socket.on('error', finish).on('close', finish)
    socket.write('GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    socket.on('readable', function take() {
      if (pauseMs > 0) socket.off('readable', take)
      const chunk = (pauseMs > 0 ? (socket.read(16 * 1024) ?? socket.read()) : socket.read()) as Buffer | null
      if (chunk !== null) {
        if (headBytes === 0) headBytes = chunk.indexOf('\r\n\r\n') + 4
        received += chunk.length
      }
      if (performance.now() > untilMs || (headBytes > 0 && received - headBytes >= answerBytes)) finish()
      else if (pauseMs > 0) setTimeout(() => (socket.readableLength > 0 ? take() : socket.on('readable', take)), pauseMs)
      else if (chunk !== null) take()
    })
  })
}
