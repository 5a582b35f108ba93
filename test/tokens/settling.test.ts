import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import { startGateway } from '../../src/cli/start-gateway.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { scratch } from '../support/cli-scratch.ts'
import { httpServer, readBody } from '../support/servers.ts'

/** A provider that rotates: the old refresh token ends with the answer. */
test('a rotated refresh token whose renewal is under way when the gateway stops survives the stop', async () => {
  const place = scratch()
  const key = randomBytes(32).toString('base64')
  const asked: string[] = []
  const arrived = Promise.withResolvers<void>()
  const endpoint = await httpServer(async (request, response) => {
    asked.push(new URLSearchParams((await readBody(request)).toString()).get('refresh_token') ?? '')
    const count = asked.length
    if (count === 2) {
      arrived.resolve()
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: `t${count}`, expires_in: 2, refresh_token: `r${count}` }))
  })
  const upstream = await httpServer((_, response) => void response.end())
  const text = `
listen: 127.0.0.1:0
admin: {listen: '127.0.0.1:0'}
token_store: {file: {path: ${place.path('tokens')}, encryption_key: ${key}}}
credentials:
  main:
    token_endpoint: ${endpoint.url}/token
    client_id: a
    client_secret: bbbbbbbb
    grant_type: refresh_token
    renew_before: 50%
    variables: {refresh_token: first}
    keep_warm: true
routes: [{path: /api, upstream: '${upstream.url}', credential: main}]
`
  const log = createLog({ write: () => {} })
  const one = await startGateway(parseConfig('c.yaml', text, {}), log, '1')
  await fetch(`${one.url}/api`)
  await arrived.promise
  await one.stop()
  const two = await startGateway(parseConfig('c.yaml', text, {}), log, '1')
  await expect.poll(() => asked.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(3)
  await two.stop()
  // r1 went out with the second request, whose answer made it void.
  expect(asked.slice(0, 3)).toEqual(['first', 'r1', 'r2'])
}, 15_000)
