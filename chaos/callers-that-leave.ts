import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import type { Random } from './random.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { httpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { became, inParallel, quantile } from './wait.ts'

/** How fast the upstream's side has to be closed. */
const closeWithinMs = 1_000
const memorySlackMiB = 24

/** Callers that hang up in the middle of a head, of a body, of the wait for an answer, of an answer, of the wait for an upgrade. */
export const callersThatLeave: Scenario = {
  name: 'callers-that-leave',
  run: async ({ count, defer, random, say }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    /** How long after the last caller of a round had left its upstream connections were closed. */
    const closedAfterMs: number[] = []
    let begun = 0
    const api = await httpServer((request, response) => {
      begun++
      request.resume()
      request.on('error', () => {})
      if (request.url?.startsWith('/answer') === true) {
        response.writeHead(200)
        const timer = setInterval(() => response.write(Buffer.alloc(4_096)), 5)
        response.on('close', () => clearInterval(timer))
      }
    })
    defer(() => api.close())
    const gateway = await startGatewayProcess(configOf(tokens.url, [{ path: '/api', upstream: api.url, max_connections: 200 }]))
    defer(() => gateway.stop())

    const settle = async (): Promise<void> => {
      const startedMs = performance.now()
      problems.expect(await became(() => api.open() === 0, 10_000), 'an upstream connection stayed open')
      closedAfterMs.push(performance.now() - startedMs)
    }
    const callers = count(10_000)
    // As many as are measured: before that the platform's heap is still finding its size.
    await inParallel(Math.max(callers, 3_000), 50, async (nth) => await leaveOnce(gateway.port, random.fork(`warm ${nth}`)))
    await settle()
    await sleep(2_000)
    const descriptors = gateway.descriptors()
    const memoryMiB = gateway.memoryMiB()

    const delay = monitorEventLoopDelay()
    delay.enable()
    const perRound = 200
    for (let round = 0; round < callers / perRound; round++) {
      await inParallel(perRound, 50, async (nth) => await leaveOnce(gateway.port, random.fork(`${round}/${nth}`)))
      await settle()
    }
    delay.disable()
    const slowestMs = Math.max(...closedAfterMs)
    // What this process was late itself is not the gateway's fault.
    problems.expect(
      slowestMs < closeWithinMs + delay.max / 1e6,
      `an upstream connection was closed after ${slowestMs.toFixed(0)} ms`,
    )
    await sleep(2_000)
    const after = { descriptors: gateway.descriptors(), memoryMiB: gateway.memoryMiB() }
    say(`${begun} requests had begun upstream`)
    problems.expect(after.descriptors <= descriptors + 5, `${after.descriptors} descriptors, ${descriptors} before`)
    problems.expect(
      after.memoryMiB <= memoryMiB + memorySlackMiB,
      `${after.memoryMiB.toFixed(0)} MiB, ${memoryMiB.toFixed(0)} before`,
    )
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a suspicious log line', line)
    return {
      done: `${callers} callers, ${begun} requests begun upstream`,
      result:
        `descriptors ${descriptors} -> ${after.descriptors}, memory ${memoryMiB.toFixed(0)} -> ${after.memoryMiB.toFixed(0)} MiB; ` +
        `all upstream connections closed within ${slowestMs.toFixed(0)} ms (median ${quantile(closedAfterMs, 0.5).toFixed(0)} ms)`,
      problems: problems.list(),
    }
  },
}

/** One caller that says so much, waits a moment and is gone: by a clean end, or by breaking the connection off. */
async function leaveOnce(port: number, random: Random): Promise<void> {
  const host = 'Host: localhost\r\n'
  const bytes = random.of([
    'GET /api/a HT',
    `GET /api/a HTTP/1.1\r\n${host}X-Unfinis`,
    `GET /api/a HTTP/1.1\r\n${host}\r\n`,
    `POST /api/a HTTP/1.1\r\n${host}Content-Length: 100000\r\n\r\n${'a'.repeat(random.below(60_000))}`,
    `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    `POST /api/a HTTP/1.1\r\n${host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`,
    `GET /api/answer HTTP/1.1\r\n${host}\r\n`,
    `GET /api/answer HTTP/1.1\r\n${host}\r\n`,
    `GET /api/a HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  ])
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  await sleep(random.below(40))
  if (random.chance(0.5)) socket.end()
  else socket.resetAndDestroy()
  await new Promise<void>((resolve) => {
    if (socket.closed) resolve()
    else {
      socket.once('close', () => resolve())
      // A gateway that does not close its side is found by the descriptors that it keeps.
      setTimeout(() => socket.destroy(), 3_000).unref()
    }
  })
}
