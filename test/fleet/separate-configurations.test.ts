import { expect, it } from 'vitest'
import { callersForTest, tally } from '../support/fleet-load.ts'
import { at, fleetConfig, outagesOf, renew, startReplica, untilStoreUp } from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

type Keys = Readonly<Record<string, unknown>>

/** Pairs of credentials with one difference; in each pair both have the same name and the same client id. */
const pairs: Readonly<Record<string, readonly [Keys, Keys]>> = {
  scope: [{ scope: 'orders' }, { scope: 'orders read' }],
  secret: [{ client_secret: 'one' }, { client_secret: 'two' }],
  audience: [{ audience: 'https://one.example' }, { audience: 'https://two.example' }],
  resource: [{ resource: 'https://one.example' }, { resource: 'https://two.example' }],
  audience_or_resource: [{ audience: 'https://one.example' }, { resource: 'https://one.example' }],
  parameter: [{ token_request: { params: { tenant: 'one' } } }, { token_request: { params: { tenant: 'two' } } }],
  no_parameter: [{ token_request: { params: { tenant: '' } } }, {}],
  header: [{ token_request: { headers: { 'X-Tenant': 'one' } } }, { token_request: { headers: { 'X-Tenant': 'two' } } }],
  variable: [
    { variables: { tenant: 'one' }, token_request: { params: { tenant: '{tenant}' } } },
    { variables: { tenant: 'two' }, token_request: { params: { tenant: '{tenant}' } } },
  ],
  // Built to collide: what follows one value looks like the beginning of the next.
  collision: [
    { variables: { a: 'x","b":"y' }, token_request: { params: { p: '{a}' } } },
    { variables: { a: 'x', b: 'y' }, token_request: { params: { p: '{a}', q: '{b}' } } },
  ],
  authentication: [{ token_endpoint_auth_method: 'client_secret_basic' }, { token_endpoint_auth_method: 'client_secret_post' }],
}

describeWithRedis('two configurations that share a Redis and a provider', () => {
  it('never share a token, a token request or a refusal, however little they differ', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const names = Object.keys(pairs)
    const credentialsOf = (side: 0 | 1): Keys =>
      Object.fromEntries(
        names.map((name) => [
          name,
          { token_endpoint: provider.tokenUrl, client_id: name, client_secret: 'secret', ...pairs[name]?.[side] },
        ]),
      )
    const shared = fleetConfig(provider, redis)
    const configs = ([0, 1] as const).map((side) => ({
      ...shared,
      credentials: credentialsOf(side),
      routes: names.map((name) => ({ path: `/${name}`, upstream: `${provider.apiUrl}/${side}/${name}`, credential: name })),
    }))
    // Two processes of each, so that sharing where it is wanted is seen too.
    const fleet = await Promise.all([...configs, ...configs].map(async (config) => await startReplica(config)))
    await untilStoreUp(fleet, 1)
    const urls = fleet.flatMap(({ url }) => names.map((name) => url.replace(/\/api$/, `/${name}`)))

    expect(tally(await callers.burst(urls, 3))).toEqual({ 200: urls.length * 3 })
    // One token for each side of each pair, where Redis could be asked.
    const expectTokens = (count: number): void => {
      const most = count + outagesOf(fleet) * 2 * names.length
      const users = usersOf(provider.calls)
      expect(users.length).toBeGreaterThanOrEqual(count)
      expect(users.length).toBeLessThanOrEqual(most)
      expect(provider.tokenRequests.length).toBeLessThanOrEqual(most)
    }
    expectTokens(2 * names.length)

    // One side renews all that it has: the other side goes on with its own.
    for (const name of names) expect(await renew(at(fleet, 1), name)).toBeLessThan(400)
    expect(tally(await callers.burst(urls, 3))).toEqual({ 200: urls.length * 3 })
    expectTokens(3 * names.length)
    const renewed = usersOf(provider.calls).filter((user) => user.startsWith('/1/'))
    expect(renewed.length).toBeGreaterThanOrEqual(2 * names.length)

    function usersOf(calls: typeof provider.calls): string[] {
      const routes = new Map<string, Set<string>>()
      for (const { token, path } of calls) routes.set(token, (routes.get(token) ?? new Set()).add(path))
      for (const [token, paths] of routes) {
        expect([...paths], token).toHaveLength(1)
        // And it was granted to the client of that route.
        const [path = ''] = paths
        expect(clientOf(token)).toBe(path.split('/')[2])
      }
      return [...routes.values()].flatMap((paths) => [...paths])
    }
    function clientOf(token: string): string | null | undefined {
      const { headers, params } = provider.granted.get(token)?.request ?? {}
      const basic = Buffer.from(headers?.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
      return basic === '' ? params?.get('client_id') : basic.split(':')[0]
    }
  }, 60_000)
})
