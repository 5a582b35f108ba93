import { execSync } from 'node:child_process'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { call } from './load.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { httpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { became, inParallel, quantile } from './wait.ts'

/** Slow loris (CVE-2007-6750): heads that come byte by byte, on as many connections as there are descriptors for. */
export const slowHeads: Scenario = {
  name: 'slow-heads',
  run: async ({ count, defer, say }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const api = await httpServer((_, response) => response.end('good'))
    defer(() => api.close())
    const wanted = count(10_000)
    const limit = Number(execSync('ulimit -n', { shell: '/bin/sh' }).toString()) || Number.POSITIVE_INFINITY
    const slow = Math.min(wanted, limit - 500)
    if (slow < wanted) say(`only ${limit} descriptors; raise them with ulimit -n`)
    const gateway = await startGatewayProcess(
      configOf(tokens.url, [{ path: '/api', upstream: api.url }], { limits: { connections: slow + 200, header_time: '20s' } }),
    )
    defer(() => gateway.stop())

    const agent = new Agent({ keepAlive: true, maxSockets: 4 })
    const serve = async (): Promise<{ readonly median: number; readonly slowest: number }> => {
      const tookMs: number[] = []
      await inParallel(400, 4, async () => {
        const startedMs = performance.now()
        const result = await call({ port: gateway.port, path: '/api/a' }, agent)
        problems.expect(result === 200, `another caller got ${result}`)
        tookMs.push(performance.now() - startedMs)
        await sleep(5)
      })
      return { median: quantile(tookMs, 0.5), slowest: quantile(tookMs, 0.99) }
    }
    await serve()
    const before = await serve()
    const beforeMiB = gateway.memoryMiB()

    const sockets = new Set<Socket>()
    let refusals = 0
    await inParallel(slow, 200, async () => {
      const socket = connect({ port: gateway.port, host: '127.0.0.1' })
      socket.on('error', () => {})
      socket.setEncoding('latin1').on('data', (text: string) => {
        if (text.startsWith('HTTP/1.1 408')) refusals++
      })
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()))
      socket.write('GET /api/a HTTP/1.1\r\nX-')
    })
    const open = sockets.size
    problems.expect(open === slow || refusals > 0, `only ${open} connections were taken`)
    const dripping = setInterval(() => {
      for (const socket of [...sockets].slice(0, 2_000)) socket.write('a')
    }, 1_000)
    const during = await serve()
    const duringMiB = gateway.memoryMiB()
    const isOver = await became(() => sockets.size === 0, 60_000, 100)
    clearInterval(dripping)
    problems.expect(isOver, `${sockets.size} slow heads were never given up`)
    for (const socket of sockets) socket.destroy()
    // A machine that is shared has its moments; a gateway that is busy with slow heads would be slower all the time.
    problems.expect(
      during.median < 5 * before.median + 20,
      `others took ${during.median.toFixed(1)} ms instead of ${before.median.toFixed(1)} ms`,
    )
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    agent.destroy()
    return {
      done: `${open} connections with slow heads (descriptor limit ${limit})`,
      result:
        `others: median ${before.median.toFixed(1)} -> ${during.median.toFixed(1)} ms, p99 ${before.slowest.toFixed(0)} -> ${during.slowest.toFixed(0)} ms, 0 failed; ` +
        `${refusals} got 408; ${(((duringMiB - beforeMiB) * 1024) / open).toFixed(1)} KiB each`,
      problems: problems.list(),
    }
  },
}
