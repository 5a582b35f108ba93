import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { apiGateway } from '../support/cli-admin-gateway.ts'
import { projectRoot } from '../support/cli-process.ts'
import { answerJson } from '../support/servers.ts'

it('every field of /status is described, and no other', async () => {
  const { gateway, endpoint } = await apiGateway({
    credential: { token_requests: { limit: 9, window: '1h' }, token_request: { params: { user: '{request.header.X-User}' } } },
  })
  await (await fetch(`${gateway.url}/api/x`, { headers: { 'X-User': 'a' } })).text()
  endpoint.revokeAll()
  await (await fetch(`${gateway.url}/api/x`, { headers: { 'X-User': 'a' } })).text()
  endpoint.answer = (response) => answerJson(response, {}, 500)
  await (await fetch(`${gateway.url}/api/x`, { headers: { 'X-User': 'b' } })).text()
  const fields = new Set<string>()
  // Its own shape is told elsewhere.
  JSON.stringify(await (await fetch(`${gateway.adminUrl}/status`)).json(), (key, value: unknown) => {
    if (key !== '' && !/^\d+$/.test(key)) fields.add(key)
    return key === 'identities' ? undefined : value
  })
  const text = readFileSync(join(projectRoot, 'docs/status-page.md'), 'utf8')
  const table = text.slice(text.indexOf('## As JSON'), text.indexOf('`GET /explain?'))
  const described = new Set(
    [...table.matchAll(/`([a-z_]+\d*[a-z_]*)(?:\[\])?`|`[a-z_]+(?:\[\])?\.([a-z_]+)/g)].map(
      ([, one, other]) => one ?? other ?? '',
    ),
  )
  for (const field of fields) expect(described, field).toContain(field)
  // Values, not fields.
  const values = ['none', 'fresh', 'stale', 'expired', 'refused', 'unavailable', 'obtained', 'taken_over', 'failed']
  const more = ['callers', 'renewal', 'rejection', 'operator', 'hit', 'wait']
  for (const word of described) expect([...fields, ...values, ...more], word).toContain(word)
})
