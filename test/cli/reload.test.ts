import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { answerJson, httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/** A gateway as a process, with a configuration that can be written again. */
async function serving() {
  const endpoint = await tokenEndpoint()
  const upstream = await httpServer((request, response) =>
    answerJson(response, { path: request.url, sent: request.headers.authorization }),
  )
  const place = scratch()
  const text = (routes: readonly string[], keys: Readonly<Record<string, unknown>> = {}): string =>
    stringify({
      listen: '127.0.0.1:0',
      admin: { listen: '127.0.0.1:0' },
      credentials: { main: { token_endpoint: endpoint.url, client_id: 'client', client_secret: 'canary-client-secret' } },
      routes: routes.map((path) => ({ path, upstream: upstream.url, credential: 'main' })),
      ...keys,
    })
  return { endpoint, upstream, place, text, file: place.path('proxy.config.yaml') }
}

async function startWith(file: string) {
  const gateway = start(['serve', '-c', file])
  const [, url = ''] = await gateway.untilOutput(/"listen":"(http:[^"]+)"/)
  const [, adminUrl = ''] = await gateway.untilOutput(/"admin":"(http:[^"]+)"/)
  const statusOf = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status
  const metric = async (name: string): Promise<string | undefined> =>
    new RegExp(`^${name} (.*)$`, 'm').exec(await (await fetch(`${adminUrl}/metrics`)).text())?.[1]
  return { gateway, url, adminUrl, statusOf, metric }
}

describe('a changed configuration is taken into use, and tokens are kept', () => {
  it.each([
    ['written in place', (file: string, text: string) => writeFileSync(file, text)],
    [
      'renamed over the old one',
      (file: string, text: string) => {
        writeFileSync(`${file}.new`, text)
        renameSync(`${file}.new`, file)
      },
    ],
    [
      'written after the old one was removed',
      (file: string, text: string) => {
        rmSync(file)
        writeFileSync(file, text)
      },
    ],
  ])('%s', async (_, replace) => {
    const { endpoint, text, file } = await serving()
    writeFileSync(file, text(['/a']))
    const { statusOf } = await startWith(file)
    expect([await statusOf('/a'), await statusOf('/b')]).toEqual([200, 404])
    replace(file, text(['/b']))
    await expect.poll(() => statusOf('/b'), { timeout: 5_000 }).toBe(200)
    expect(await statusOf('/a')).toBe(404)
    expect(endpoint.requests).toHaveLength(1)
  })

  it('by the symbolic links that Kubernetes swaps', async () => {
    const { place, text } = await serving()
    for (const [folder, path] of [
      ['..v1', '/a'],
      ['..v2', '/b'],
    ] as const) {
      mkdirSync(place.path(folder))
      writeFileSync(`${place.path(folder)}/proxy.config.yaml`, text([path]))
    }
    symlinkSync('..v1', place.path('..data'))
    symlinkSync('..data/proxy.config.yaml', place.path('proxy.config.yaml'))
    const { statusOf } = await startWith(place.path('proxy.config.yaml'))
    expect(await statusOf('/a')).toBe(200)
    symlinkSync('..v2', place.path('..data_tmp'))
    renameSync(place.path('..data_tmp'), place.path('..data'))
    await expect.poll(() => statusOf('/b'), { timeout: 5_000 }).toBe(200)
  })

  it('at SIGHUP, also when the file says the same as before', async () => {
    const { text, file } = await serving()
    writeFileSync(file, text(['/a']))
    const { gateway, statusOf } = await startWith(file)
    gateway.signal('SIGHUP')
    await gateway.untilOutput(/"cause":"signal".*"configuration taken into use"/)
    expect(await statusOf('/a')).toBe(200)
  })

  it('by POST /reload', async () => {
    const { text, file } = await serving()
    writeFileSync(file, text(['/a']))
    const { adminUrl, statusOf } = await startWith(file)
    writeFileSync(file, text(['/b']))
    const answer = await fetch(`${adminUrl}/reload`, { method: 'POST' })
    expect({ status: answer.status, body: await answer.json() }).toEqual({ status: 200, body: { in_use: true } })
    expect(await statusOf('/b')).toBe(200)
  })
})

describe('a configuration with problems changes nothing', () => {
  it('and shows in the answer, a metric, the status and the log', async () => {
    const { text, file } = await serving()
    writeFileSync(file, text(['/a']))
    const { gateway, adminUrl, statusOf, metric } = await startWith(file)
    expect(await metric('bearerd_config_last_reload_successful')).toBe('1')
    const before = await metric('bearerd_config_last_reload_success_timestamp_seconds')
    writeFileSync(file, text(['/a', '/b'], { shutdwon: {} }))
    const answer = await fetch(`${adminUrl}/reload`, { method: 'POST' })
    const problem = expect.stringMatching(/proxy\.config\.yaml:\d+:\d+: shutdwon: .*; did you mean "shutdown"\?/) as string
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 422,
      body: { in_use: false, problems: [problem] },
    })
    expect([await statusOf('/a'), await statusOf('/b')]).toEqual([200, 404])
    expect(await metric('bearerd_config_last_reload_successful')).toBe('0')
    expect(await metric('bearerd_config_last_reload_success_timestamp_seconds')).toBe(before)
    const status = (await (await fetch(`${adminUrl}/status`)).json()) as { configuration: unknown }
    expect(status.configuration).toMatchObject({ in_use: false, problems: [problem] })
    expect(await (await fetch(adminUrl)).text()).toContain('The configuration has problems')
    await gateway.untilOutput(/"level":"error".*did you mean/)

    writeFileSync(file, text(['/b']))
    await expect.poll(() => statusOf('/b'), { timeout: 5_000 }).toBe(200)
    expect(await metric('bearerd_config_last_reload_successful')).toBe('1')
    expect(gateway.output().stdout).not.toContain('canary')
  })

  it.each([
    ['listen', { listen: '127.0.0.1:1' }],
    ['admin.listen', { admin: { listen: '127.0.0.1:1' } }],
    ['admin.callers', { admin: { listen: '127.0.0.1:0', callers: [{ name: 'ops', api_key: 'canary-key' }] } }],
    ['token_store', { token_store: { memory: { max_tokens: 5 } } }],
  ])('such as another %s, which takes a restart', async (key, keys) => {
    const { text, file } = await serving()
    writeFileSync(file, text(['/a']))
    const { adminUrl, statusOf } = await startWith(file)
    writeFileSync(file, text(['/b'], keys))
    const answer = await fetch(`${adminUrl}/reload`, { method: 'POST' })
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 422,
      body: {
        in_use: false,
        problems: [
          expect.stringMatching(
            `: ${key}: cannot change while bearerd runs; restart it, or undo the change \\[restart_needed\\]$`,
          ) as string,
        ],
      },
    })
    expect(await statusOf('/a')).toBe(200)
  })

  it('such as a file that is gone', async () => {
    const { text, file } = await serving()
    writeFileSync(file, text(['/a']))
    const { adminUrl, statusOf } = await startWith(file)
    rmSync(file)
    expect((await fetch(`${adminUrl}/reload`, { method: 'POST' })).status).toBe(422)
    expect(await statusOf('/a')).toBe(200)
  })
})

it('a page of another site cannot have the configuration read again', async () => {
  const { text, file } = await serving()
  writeFileSync(file, text(['/a']))
  const { adminUrl } = await startWith(file)
  const answer = await fetch(`${adminUrl}/reload`, { method: 'POST', headers: { origin: 'https://evil.example' } })
  expect(answer.status).toBe(403)
})
