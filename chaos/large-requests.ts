import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { httpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { became } from './wait.ts'

const requestBytes = 10 * 1024
const allowedMiB = 1
const host = 'Host: localhost\r\n'

/** Requests of 10 KiB each, in the shapes that cost a careless server the most for their size; never finished, so that they pile up. */
const shapes: Readonly<Record<string, string>> = {
  'a long field': `GET /api/a HTTP/1.1\r\n${host}X-A: ${'a'.repeat(requestBytes)}\r\n\r\n`,
  'many fields': `GET /api/a HTTP/1.1\r\n${host}${Array.from({ length: 190 }, (_, nth) => `X-${nth}: ${'a'.repeat(42)}\r\n`).join('')}\r\n`,
  'many connection options': `GET /api/a HTTP/1.1\r\n${host}Connection: ${Array.from({ length: 1_600 }, (_, nth) => `x${nth}`).join(',')}\r\n\r\n`,
  'a long target': `GET /api/${'%2e'.repeat(2_600)} HTTP/1.1\r\n${host}\r\n`,
  'chunks of a byte': `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(1_700)}`,
  'chunk extensions': `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${`1;${'a'.repeat(1_000)}\r\na\r\n`.repeat(10)}`,
  'pipelined requests': `GET /api/a HTTP/1.1\r\n${host}\r\n`.repeat(95),
  'a body whose rest does not come': `POST /api/a HTTP/1.1\r\n${host}Content-Length: 1000000\r\n\r\n${'a'.repeat(requestBytes)}`,
  'bytes behind an upgrade': `GET /api/a HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: x\r\n\r\n${'a'.repeat(requestBytes)}`,
}

/** What a small request can cost at most, whatever it is made of. */
export const largeRequests: Scenario = {
  name: 'large-requests',
  run: async ({ count, defer }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    // Answers nothing, so that every request stays.
    const api = await httpServer((request) => void request.resume())
    defer(() => api.close())
    const howMany = count(300, { quick: 100 })
    const costs: string[] = []
    for (const [shape, bytes] of Object.entries(shapes)) {
      const gateway = await startGatewayProcess(
        configOf(tokens.url, [{ path: '/api', upstream: api.url, max_connections: 10_000 }]),
      )
      const ask = async (times: number): Promise<Socket[]> => {
        const sockets = Array.from({ length: times }, () => connect({ port: gateway.port, host: '127.0.0.1' }))
        for (const socket of sockets)
          socket
            .on('error', () => {})
            .resume()
            .write(bytes, 'latin1')
        await sleep(1_000)
        return sockets
      }
      const leave = async (sockets: readonly Socket[]): Promise<void> => {
        for (const socket of sockets) socket.destroy()
        await became(() => api.open() === 0, 5_000)
      }
      await leave(await ask(50))
      const beforeMiB = gateway.memoryMiB()
      const sockets = await ask(howMany)
      const eachMiB = (gateway.memoryMiB() - beforeMiB) / howMany
      await leave(sockets)
      problems.expect(gateway.isRunning(), `the gateway crashed (${shape})`)
      problems.expect(eachMiB < allowedMiB, `${shape}: ${eachMiB.toFixed(2)} MiB for a request`)
      costs.push(`${shape} ${(Math.max(eachMiB, 0) * 1024).toFixed(0)}`)
      await gateway.stop()
    }
    return {
      done: `${howMany} requests of 10 KiB at a time, in ${costs.length} shapes`,
      result: `KiB of memory for each: ${costs.join(', ')}`,
      problems: problems.list(),
    }
  },
}
