import { beforeAll, expect, it, vi } from 'vitest'
import { start } from '../support/cli-process.ts'
import { consentServer } from '../support/consent-server.ts'
import { loginConfig, loginSecret } from '../support/login-run.ts'
import { answerJson, httpServer } from '../support/servers.ts'

// The authorization server recommends things on the console that a test need not follow.
beforeAll(() => {
  for (const method of ['warn', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})

it('a gateway that runs already serves as soon as a person has logged in, and a restarted one without asking again', async () => {
  const server = await consentServer({
    client_id: 'client-1',
    client_secret: loginSecret,
    token_endpoint_auth_method: 'client_secret_basic',
  })
  const upstream = await httpServer((request, response) => answerJson(response, { sent: request.headers.authorization }))
  const { authorizationEndpoint: authorization_endpoint, tokenEndpoint: token_endpoint } = server
  const config = loginConfig({ authorization_endpoint, token_endpoint, scope: 'read' }, upstream.url)
  const env = { BEARERD_CONFIG: config }

  const gateway = start(['serve'], { env })
  const [, url = ''] = await gateway.untilOutput(/"listen":"(http:[^"]+)"/)
  const before = await fetch(`${url}/api`)
  expect({ status: before.status, problem: await before.json() }).toMatchObject({
    status: 502,
    problem: { code: 'token_refused', detail: expect.stringContaining('run "bearerd login main"') as string },
  })

  const login = start(['login', 'main'], { env })
  const [, address = ''] = await login.untilOutput(/^ {2}(http:\S+)$/m)
  expect((await fetch(await server.visit(address))).status).toBe(200)
  expect(await login.finished).toMatchObject({
    code: 0,
    stdout: 'the refresh token of main is in the file token store (scope read)\n',
  })

  await expect.poll(async () => (await fetch(`${url}/api`)).status, { timeout: 5_000 }).toBe(200)
  gateway.signal('SIGTERM')
  expect((await gateway.finished).code).toBe(0)

  const restarted = start(['serve'], { env })
  const [, again = ''] = await restarted.untilOutput(/"listen":"(http:[^"]+)"/)
  expect(await (await fetch(`${again}/api`)).json()).toEqual({ sent: expect.stringMatching(/^Bearer \S{20,}$/) as string })
})
