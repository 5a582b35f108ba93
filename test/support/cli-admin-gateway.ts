import { startApiGateway } from './gateway.ts'
import type { TestGateway } from './gateway.ts'
import { answerJson, httpServer, readBody } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import type { TokenEndpoint } from './token-endpoint.ts'

/** What the token endpoint's client secret is; must never be seen. */
export const canary = 'canary-client-secret'

/** A gateway whose upstream accepts the tokens of its token endpoint. */
export async function apiGateway(
  more: Parameters<typeof startApiGateway>[2] = {},
): Promise<{ gateway: TestGateway; endpoint: TokenEndpoint }> {
  const endpoint = await tokenEndpoint()
  const upstream = await httpServer((request, response) => {
    void readBody(request).then(() => answerJson(response, {}, endpoint.isLive(request.headers.authorization) ? 200 : 401))
  })
  return { gateway: await startApiGateway(upstream.url, endpoint.url, more), endpoint }
}

/** Asks again until it is so. @returns whether it became so within the time */
export async function until(isDone: () => Promise<boolean>, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms
  while (performance.now() < deadline) {
    if (await isDone()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
