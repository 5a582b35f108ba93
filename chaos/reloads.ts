import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { steadyLoad, tally } from './load.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { httpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { became } from './wait.ts'

const perSecond = 500

/** A configuration that changes all the time: by a signal, by a changed file, by the admin interface, and sometimes for the worse. */
export const reloads: Scenario = {
  name: 'reloads',
  run: async ({ count, defer, random, say }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const api = await httpServer((request, response) => {
      if (tokens.isLive(request.headers.authorization)) response.end('good')
      else response.writeHead(401).end()
    })
    defer(() => api.close())
    const config = (version: number): Readonly<Record<string, unknown>> =>
      configOf(tokens.url, [
        { path: '/api', upstream: api.url, headers: { set: { 'X-Version': String(version) } } },
        { path: `/other-${version}`, upstream: api.url, timeouts: { response: `${10 + version}s` } },
      ])
    const gateway = await startGatewayProcess(config(0))
    defer(() => gateway.stop())
    const top = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, shutdown: { grace: '5s' } }

    const times = count(50)
    const everyMs = 60_000 / 50
    const load = steadyLoad(perSecond, (nth) => ({
      port: gateway.port,
      path: '/api/a',
      ...(nth % 5 === 0 && { method: 'POST', body: Buffer.alloc(2_000) }),
    }))
    const startedMs = performance.now()
    let refused = 0
    for (let nth = 1; nth <= times; nth++) {
      await sleep(Math.max(startedMs + nth * everyMs - performance.now(), 0))
      const isBad = random.chance(0.1)
      writeFileSync(gateway.file, isBad ? 'routes: [{path: /api, upstream: nonsense' : stringify({ ...top, ...config(nth) }))
      const how = nth % 3
      if (how === 1) gateway.signal('SIGHUP')
      if (how === 2) {
        const answer = await fetch(`${gateway.adminUrl}/reload`, { method: 'POST' })
        await answer.text()
        problems.expect(answer.ok !== isBad, `a reload of a ${isBad ? 'bad' : 'good'} file was answered with ${answer.status}`)
      }
      if (isBad) refused++
      else
        problems.expect(
          await became(async () => await isUsed(gateway.adminUrl, nth), 5_000, 50),
          'a reload was not taken into use',
        )
    }
    await load.stop()
    const { total, failed, text } = tally(load.results)
    say(text)
    problems.expect(failed === 0, `requests failed during reloads (${text})`)
    problems.expect(tokens.requests() === 1, `${tokens.requests()} token requests, where the credential never changed`)
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a suspicious log line', line)
    return {
      done: `${times} reloads (signal, file, admin; ${refused} of a bad file), ${total} requests at ${perSecond}/s`,
      result: `${text}; ${tokens.requests()} token request`,
      problems: problems.list(),
    }
  },
}

async function isUsed(adminUrl: string, version: number): Promise<boolean> {
  return (await (await fetch(`${adminUrl}/status`)).text()).includes(`/other-${version}"`)
}
