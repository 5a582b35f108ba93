import { expect, onTestFinished, test } from 'vitest'
import { answerLanes, answerRoutes, attackWithAnswers } from '../../chaos/attack-with-answers.ts'
import { attackWithRequests, requestLanes } from '../../chaos/attack-with-requests.ts'
import { configOf } from '../../chaos/gateway-process.ts'
import { createRandom } from '../../chaos/random.ts'
import { Problems } from '../../chaos/scenario.ts'
import { secretMark, tokenEndpoint } from '../../chaos/token-endpoint.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'

/*
 * The short form of two scenarios of `npm run chaos`: generated nonsense from both sides, judged by a reader of HTTP that is as strict as
 * RFC 9112 and shares nothing with the gateway. Whoever reads a message differently than the one behind it can be made to see two
 * where there was one (CL.TE and its relatives, CVE-2022-32213 to 32215, CVE-2023-25725, CVE-2024-27982, CVE-2025-23167).
 */
const seed = 4

test('600 malformed requests: upstream comes exactly what was meant, with our token, or nothing', async () => {
  const tokens = await tokenEndpoint()
  onTestFinished(() => tokens.close())
  const lanes = await requestLanes()
  onTestFinished(async () => void (await Promise.all(lanes.map(async ({ upstream }) => await upstream.close()))))
  const routes = lanes.map(({ prefix, basePath, upstream }) => ({ path: prefix, upstream: upstream.url + basePath }))
  const gateway = await startTestGateway(configOf(tokens.url, routes))
  const problems = new Problems()
  const { forwarded } = await attackWithRequests(gateway.port, lanes, { count: 600, random: createRandom(seed), problems })
  expect(problems.list()).toEqual([])
  expect(forwarded).toBeGreaterThan(100)
  await expectNothingSaid(gateway)
})

test('200 malformed answers: each is relayed as it is meant, cut where it was cut, or refused; the next request is answered', async () => {
  const tokens = await tokenEndpoint()
  onTestFinished(() => tokens.close())
  const lanes = await answerLanes(8)
  onTestFinished(async () => void (await Promise.all(lanes.map(async ({ upstream }) => await upstream.close()))))
  const gateway = await startTestGateway(configOf(tokens.url, answerRoutes(lanes)))
  const problems = new Problems()
  const { outcomes } = await attackWithAnswers(gateway.port, lanes, { count: 200, random: createRandom(seed), problems })
  expect(problems.list()).toEqual([])
  expect(outcomes['relayed whole']).toBeGreaterThan(20)
  await expectNothingSaid(gateway)
})

async function expectNothingSaid({ log, adminUrl }: TestGateway): Promise<void> {
  const shown = await Promise.all(['/metrics', '/status'].map(async (path) => await (await fetch(adminUrl + path)).text()))
  expect(JSON.stringify([log, shown])).not.toContain(secretMark)
  expect(log.filter(({ msg }) => String(msg).includes('unexpected'))).toEqual([])
}
