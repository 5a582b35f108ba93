import { setTimeout as sleep } from 'node:timers/promises'
import { startBalancer } from './balancer.ts'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { steadyLoad, tally } from './load.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { freePort, httpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'

const perSecond = 200

/** A roll-out that never ends: one replica of two is ended and started again, all the time. */
export const terminations: Scenario = {
  name: 'terminations',
  run: async ({ count, defer, say }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const api = await httpServer((request, response) => {
      request.resume()
      // Some answers take longer than the end of the process would, if it did not wait.
      const delayMs = request.url === '/slow' ? 400 : 0
      setTimeout(
        () => (tokens.isLive(request.headers.authorization) ? response.end('good') : response.writeHead(401).end()),
        delayMs,
      )
    })
    defer(() => api.close())
    const start = async (port: number): Promise<GatewayProcess> =>
      await startGatewayProcess(
        configOf(tokens.url, [{ path: '/api', upstream: api.url }], {
          listen: `127.0.0.1:${port}`,
          shutdown: { delay: '600ms', grace: '5s' },
        }),
      )
    const replicas = [await start(await freePort()), await start(await freePort())]
    defer(() => Promise.all(replicas.map(async (replica) => await replica.stop())))
    const balancer = await startBalancer(() => replicas)
    defer(() => balancer.close())

    const times = count(20, { quick: 4 })
    const load = steadyLoad(perSecond, (nth) => ({
      port: balancer.port,
      path: nth % 10 === 0 ? '/api/slow' : '/api/a',
      ...(nth % 7 === 0 && { method: 'POST', body: Buffer.alloc(3_000) }),
    }))
    await sleep(1_000)
    for (let nth = 0; nth < times; nth++) {
      const place = nth % 2
      const old = replicas[place] as GatewayProcess
      old.signal('SIGTERM')
      const how = await old.ended
      problems.expect(how === 0, `a replica ended with ${how}`)
      for (const line of old.suspicious) problems.add('a suspicious log line', line)
      replicas[place] = await start(old.port)
      // Until the balancer has noticed.
      await sleep(500)
      say(`${nth + 1} of ${times}: ${tally(load.results).text}`)
    }
    await load.stop()
    const { total, failed, text } = tally(load.results)
    problems.expect(failed === 0, `requests failed during a roll-out (${text})`)
    return {
      done: `${times} times SIGTERM and a start, 2 replicas behind a TCP balancer, ${total} requests at ${perSecond}/s`,
      result: text,
      problems: problems.list(),
    }
  },
}
