import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { instance, tokenEndpointWith } from '../support/instances.ts'
import { watchConnections } from '../support/outgoing-connections.ts'
import { settledGateway } from '../support/proxy-wait.ts'

const renew = (gateway: TestGateway): Promise<Response> => fetch(`${gateway.adminUrl}/credentials/main/renew`, { method: 'POST' })

const template = '{token.instance_url}/services'
const allowed = ['*.my.salesforce.com', 'login.salesforce.com:8443']

/** What a token response might say, and which rule it breaks. */
const refusals: readonly (readonly [value: unknown, why: RegExp])[] = [
  ['https://evil-my.salesforce.com', /^evil-my\.salesforce\.com, from \{token\.instance_url\} .* not in allowed_hosts/],
  ['https://evilmy.salesforce.com', /not in allowed_hosts/],
  ['https://my.salesforce.com', /not in allowed_hosts/],
  ['https://my.salesforce.com.evil.com', /^my\.salesforce\.com\.evil\.com, .* not in allowed_hosts/],
  ['https://a.my.salesforce.com.evil.com', /not in allowed_hosts/],
  ['https://a.my.salesforce.com.', /not in allowed_hosts/],
  ['https://.my.salesforce.com', /not in allowed_hosts/],
  ['https://a..my.salesforce.com', /not in allowed_hosts/],
  ['https://login.salesforce.com', /not in allowed_hosts/],
  ['https://login.salesforce.com:443', /not in allowed_hosts/],
  ['https://a.my.salesforce.com:8443', /^a\.my\.salesforce\.com:8443, .* not in allowed_hosts/],
  ['https://a.my.salesforce.com:80', /not in allowed_hosts/],
  ['https://a.my.salesforce.com:0', /not in allowed_hosts/],
  ['http://a.my.salesforce.com:443', /not in allowed_hosts/],
  ['http://a.my.salesforce.com', /^the token would go to a\.my\.salesforce\.com, .* in clear text/],
  ['https://user@a.my.salesforce.com', /must not carry credentials/],
  ['https://a.my.salesforce.com@evil.com', /must not carry credentials/],
  ['https://a:canary-secret@a.my.salesforce.com', /must not carry credentials/],
  ['https://@a.my.salesforce.com', /not written as it is meant/],
  ['https://127.0.0.1', /not in allowed_hosts/],
  ['https://localhost', /not in allowed_hosts/],
  ['https://0x7f.1', /not written as it is meant/],
  ['https://2130706433', /not written as it is meant/],
  ['https://127.1', /not written as it is meant/],
  ['https://0177.0.0.1', /not written as it is meant/],
  ['https://[::1]', /not in allowed_hosts/],
  ['https://[::ffff:127.0.0.1]', /not written as it is meant/],
  ['https://a.my.salesforce%2ecom', /dot or slash in disguise/],
  ['https://%61.my.salesforce.com', /not written as it is meant/],
  ['https://a.my.salesforce.com:0443', /not written as it is meant/],
  ['https://a.my.salesforce.com:', /not written as it is meant/],
  ['https://a.my.salesforce.com:99999', /not an absolute http or https URL/],
  ['https://a.my.salesforce.com\n', /a character that no URL has/],
  ['https://a.my.sales\nforce.com', /a character that no URL has/],
  ['https://a.my.salesforce.com\r\nX-Evil: 1', /a character that no URL has/],
  ['\thttps://a.my.salesforce.com', /a character that no URL has/],
  [' https://a.my.salesforce.com', /a character that no URL has/],
  ['https://a.my.salesforce.com\u0000', /a character that no URL has/],
  ['https://evil.com\\a.my.salesforce.com', /a character that no URL has/],
  ['https://evil.com\\@a.my.salesforce.com', /a character that no URL has/],
  ['https://evil.com\uff0f.my.salesforce.com', /a character that no URL has/],
  ['https://evil.com\u3002my.salesforce.com', /a character that no URL has/],
  ['https://a.my.salesforce.com/?x=', /no query/],
  ['https://a.my.salesforce.com/#', /fragment/],
  ['https://a.my.salesforce.com/../x', /dot segment/],
  ['https://a.my.salesforce.com/%2e%2e', /dot or slash in disguise/],
  ['https://a.my.salesforce.com/..;x', /dot or slash in disguise/],
  ['https://a.my.salesforce.com/a%2f..', /dot or slash in disguise/],
  ['https:a.my.salesforce.com', /not an absolute http or https URL/],
  ['https:///a.my.salesforce.com', /not written as it is meant/],
  ['//a.my.salesforce.com', /not an absolute http or https URL/],
  ['a.my.salesforce.com', /not an absolute http or https URL/],
  ['ftp://a.my.salesforce.com', /not an absolute http or https URL/],
  ['javascript:alert(1)', /not an absolute http or https URL/],
  ['file:///etc', /not an absolute http or https URL/],
  [`https://${'a.'.repeat(500)}evil.com`, /not in allowed_hosts/],
  ['', /no value for \{token\.instance_url\}/],
  [undefined, /no value for \{token\.instance_url\}/],
  [null, /no value for \{token\.instance_url\}/],
  [true, /no value for \{token\.instance_url\}/],
  [['https://a.my.salesforce.com'], /no value for \{token\.instance_url\}/],
  [{ url: 'https://a.my.salesforce.com' }, /no value for \{token\.instance_url\}/],
  [443, /not an absolute http or https URL/],
]

describe('a token response that names no allowed upstream', () => {
  test('sends nothing anywhere, and says which rule it was', async () => {
    const fields: Record<string, unknown> = {}
    const tokens = await tokenEndpointWith(fields)
    const gateway = await startApiGateway(template, tokens.url, { route: { allowed_hosts: allowed } })
    const connections = watchConnections()
    for (const [value, why] of refusals) {
      fields['instance_url'] = value
      await renew(gateway)
      const answer = await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'canary-body' })
      const problem = (await answer.json()) as Record<string, unknown>
      expect([answer.status, problem], JSON.stringify(value)).toMatchObject([502, { code: 'upstream_invalid', route: '/api' }])
      expect(problem['detail'], JSON.stringify(value)).toMatch(why)
      expect(String(problem['detail']).length).toBeLessThan(500)
      expect(JSON.stringify(problem)).not.toContain('canary')
      expect(answer.headers.get('proxy-status')).toBe('bearerd; error=destination_not_found; details="upstream_invalid"')
    }
    expect(connections.except(gateway.url, gateway.adminUrl, tokens.url)).toEqual([])

    // That a connection would have been seen:
    fields['instance_url'] = 'https://a.my.salesforce.com'
    await renew(gateway)
    expect((await fetch(`${gateway.url}/api/a`)).status).toBe(502)
    expect(connections.except(gateway.url, gateway.adminUrl, tokens.url)).toEqual(['a.my.salesforce.com:443'])
    await settledGateway(gateway)
    expect(JSON.stringify(gateway.log)).not.toContain('canary')
  })

  test('is told once in the log, not with each request', async () => {
    const tokens = await tokenEndpointWith({ instance_url: 'https://canary:secret@evil.com' })
    const gateway = await startApiGateway(template, tokens.url, { route: { allowed_hosts: allowed } })
    for (let count = 0; count < 3; count++) expect((await fetch(`${gateway.url}/api`)).status).toBe(502)
    const told = gateway.log.filter(({ message }) => String(message).startsWith('no upstream: '))
    expect(told).toEqual([expect.objectContaining({ level: 'warn', route: '/api', error: 'upstream_invalid' })])
    expect(JSON.stringify(gateway.log)).not.toMatch(/canary|evil/)
  })

  test('after a refusal is where the replay ends: the request goes nowhere else', async () => {
    const one = await instance('one')
    const fields: Record<string, unknown> = { instance_url: one.url }
    const tokens = await tokenEndpointWith(fields)
    const gateway = await startApiGateway(template, tokens.url, { route: { allowed_hosts: [`127.0.0.1:${one.port}`] } })
    const connections = watchConnections()
    expect(await (await fetch(`${gateway.url}/api`)).text()).toBe('one')
    one.refused.add('token-1')
    fields['instance_url'] = 'https://evil.com'
    const answer = await fetch(`${gateway.url}/api`, { method: 'POST', body: 'x' })
    expect([answer.status, await answer.json()]).toMatchObject([502, { code: 'upstream_invalid' }])
    expect(one.calls).toHaveLength(2)
    expect(connections.except(gateway.url, gateway.adminUrl, tokens.url, one.url)).toEqual([])
    expect(await gateway.metric('bearerd_replays_total{route="/api",outcome="failed"}')).toBe(1)
    await settledGateway(gateway)
  })

  test('never gets a connection, whatever it says (property)', async () => {
    const connections = watchConnections()
    const one = await instance('one')
    const own = `127.0.0.1:${one.port}`
    const fields: Record<string, unknown> = {}
    const tokens = await tokenEndpointWith(fields)
    const gateway = await startApiGateway('{token.instance_url}', tokens.url, {
      route: { allowed_hosts: [own, `*.my.example.com:${one.port}`], insecure_http: true },
    })
    const signs = 'http https :// : / \\ @ . - %2e %40 ? # * [ ] ; , \n \t \u3002 \uff0e \u00ad'.split(' ')
    const names =
      'my example com my.example.com a.my.example.com evil- .evil localhost 127.0.0.1 0x7f.1 ::1 [::1] http:// https://'.split(
        ' ',
      )
    const places = [`:${one.port}`, ':0', ':443', String(one.port), own, `http://${own}`, `http://a.my.example.com:${one.port}`]
    const piece = fc.constantFrom(...signs, ...names, ...places)
    const url = fc.oneof(
      fc.string({
        unit: fc.oneof({ arbitrary: piece, weight: 9 }, { arbitrary: fc.string({ maxLength: 1 }), weight: 1 }),
        maxLength: 8,
      }),
      fc.string({ unit: piece, maxLength: 6 }).map((rest) => `http://${rest}:${one.port}`),
      fc.string({ unit: piece, maxLength: 4 }).map((rest) => `http://${own}${rest}`),
      fc.webUrl(),
    )
    let good = 0
    await fc.assert(
      fc.asyncProperty(url, async (value) => {
        fields['instance_url'] = value
        await renew(gateway)
        const answer = await fetch(`${gateway.url}/api/a`)
        await answer.text()
        if (answer.status === 200) good++
        for (const place of connections.except(gateway.url, gateway.adminUrl, tokens.url)) {
          expect(place).toMatch(new RegExp(`^(127\\.0\\.0\\.1|([a-z0-9_-]+\\.)+my\\.example\\.com):${one.port}$`))
        }
        expect(answer.status === 200 || answer.status === 502).toBe(true)
      }),
      { numRuns: 150, examples: [[`http://${own}`], [`http://a.my.example.com:${one.port}`]] },
    )
    expect(good).toBeGreaterThan(1)
  })
})
