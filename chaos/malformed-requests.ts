import { attackWithRequests, requestLanes } from './attack-with-requests.ts'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { secretMark, tokenEndpoint } from './token-endpoint.ts'

/** What no gateway should forward, and what it should forward unchanged; a strict reader at the upstream tells them apart. */
export const malformedRequests: Scenario = {
  name: 'malformed-requests',
  run: async ({ random, count, defer }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const lanes = await requestLanes()
    for (const { upstream } of lanes) defer(() => upstream.close())
    const routes = lanes.map(({ prefix, basePath, upstream }) => ({ path: prefix, upstream: upstream.url + basePath }))
    const gateway = await startGatewayProcess(configOf(tokens.url, routes))
    defer(() => gateway.stop())

    const requests = count(10_000)
    const { answers, forwarded, cut, slowestMs } = await attackWithRequests(gateway.port, lanes, {
      count: requests,
      random,
      problems,
    })
    problems.expect(gateway.isRunning(), 'the gateway crashed')
    problems.expect(forwarded > requests / 20, 'hardly a request went through, so that this shows nothing')
    if (gateway.isRunning()) problems.expect(!(await gateway.shown()).includes(secretMark), 'a secret in metrics or status')
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a log line with a secret or an error inside the gateway', line)
    const statuses = Object.entries(answers).map(([status, times]) => `${status}: ${times}`)
    return {
      done: `${requests} requests, ${gateway.lines()} log lines read`,
      result: `${forwarded} forwarded as meant, ${cut} cut and seen as cut; slowest ${slowestMs.toFixed(0)} ms; ${statuses.join(', ')}`,
      problems: problems.list(),
    }
  },
}
