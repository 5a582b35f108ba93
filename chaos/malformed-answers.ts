import { answerLanes, answerRoutes, attackWithAnswers, hasty } from './attack-with-answers.ts'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { secretMark, tokenEndpoint } from './token-endpoint.ts'

/** Upstreams that lie, stall, break off and say more than they were asked. */
export const malformedAnswers: Scenario = {
  name: 'malformed-answers',
  run: async ({ random, count, defer }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const lanes = await answerLanes(16)
    for (const { upstream } of lanes) defer(() => upstream.close())
    const gateway = await startGatewayProcess(configOf(tokens.url, answerRoutes(lanes)))
    defer(() => gateway.stop())

    const answers = count(2_000)
    const { outcomes, slowestMs } = await attackWithAnswers(gateway.port, lanes, { count: answers, random, problems })
    problems.expect(gateway.isRunning(), 'the gateway crashed')
    if (gateway.isRunning()) problems.expect(!(await gateway.shown()).includes(secretMark), 'a secret in metrics or status')
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a log line with a secret or an error inside the gateway', line)
    const counts = Object.entries(outcomes).map(([outcome, times]) => `${outcome}: ${times}`)
    return {
      done: `${answers} answers, each followed by a good one on the same route`,
      result: `${counts.join(', ')}; slowest ${slowestMs.toFixed(0)} ms with timeouts of ${hasty}`,
      problems: problems.list(),
    }
  },
}
