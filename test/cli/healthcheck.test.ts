import { describe, expect, it } from 'vitest'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { askProbe } from '../../src/cli/ask-probe.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { run, runHere } from '../support/cli-process.ts'
import { goodConfig } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'
import { startTestGateway } from '../support/gateway.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const routes = [{ path: '/api', upstream: 'http://127.0.0.1:1' }]

/** A file that says where the admin interface is. */
function fileWith(admin: object): string {
  return scratch().write('c.yaml', `${goodConfig}admin: ${JSON.stringify(admin)}\n`)
}

/** What `bearerd healthcheck` says of the gateway at an address. */
function health(listen: string, ...args: readonly string[]) {
  return runHere(['healthcheck', '-c', fileWith({ listen }), ...args])
}

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

describe('healthcheck', () => {
  it('exits 0 for a gateway that is ready, in a process of its own too', async () => {
    const { adminUrl } = await startTestGateway({ routes })
    const listen = adminUrl.replace('http://', '')
    const good = { code: 0, stdout: `/readyz at ${listen} is 200\n`, stderr: '' }
    expect(await health(listen)).toEqual(good)
    expect(await run(['healthcheck', '-c', fileWith({ listen })])).toEqual({ ...good, signal: null })
  })

  it('exits 1 for one that is not, and says what is missing; with --live it asks whether it runs', async () => {
    const endpoint = await tokenEndpoint()
    endpoint.answer = (response) => void response.writeHead(503).end()
    const { adminUrl } = await startTestGateway({
      admin: { listen: '127.0.0.1:0', ready_when: 'tokens' },
      credentials: { main: { token_endpoint: endpoint.url, client_id: 'a', client_secret: 'b' } },
      routes: [{ path: '/api', upstream: 'http://127.0.0.1:1', credential: 'main' }],
    })
    const listen = adminUrl.replace('http://', '')
    expect(await health(listen)).toEqual({
      code: 1,
      stdout: '',
      stderr: `bearerd: /readyz at ${listen} is 503: not ready: tokens\n`,
    })
    expect(await health(listen, '--live')).toEqual({ code: 0, stdout: `/livez at ${listen} is 200\n`, stderr: '' })
  })

  it.each([':', '0.0.0.0:', ...(hasIpv6 ? ['[::]:'] : [])])(
    'asks what listens on %s at the address of this machine',
    async (every) => {
      const { adminUrl } = await startTestGateway({ admin: { listen: `${every}0` }, routes })
      expect(await health(`${every}${new URL(adminUrl).port}`)).toMatchObject({ code: 0, stderr: '' })
    },
  )

  it('asks a unix socket', async () => {
    const listen = `unix:${scratch().path('admin.sock')}`
    expect(await health(listen)).toMatchObject({
      code: 1,
      stderr: `bearerd: /readyz at ${listen} cannot be asked: there is no such socket\n`,
    })
    await startTestGateway({ admin: { listen }, routes })
    expect(await health(listen)).toEqual({ code: 0, stdout: `/readyz at ${listen} is 200\n`, stderr: '' })
  })

  it('does not mind what else is wrong with the file by now: a gateway that runs goes on with what it read before', async () => {
    const { adminUrl } = await startTestGateway({ routes })
    const text = `routes: [{path: api}]\nlisen: x\ncredentials: {a: {client_secret: "\${NOPE}"}}\nadmin: {listen: ${adminUrl.replace('http://', '')}}\n`
    const file = scratch().write('c.yaml', text)
    expect((await runHere(['check', '-c', file])).code).toBe(1)
    expect(await runHere(['healthcheck', '-c', file])).toMatchObject({ code: 0, stderr: '' })
  })

  it('says where "admin" is wrong, and nothing of the rest', async () => {
    const file = scratch().write('c.yaml', 'lisen: x\nadmin: {listen: nowhere}\n')
    const { code, stdout, stderr } = await runHere(['healthcheck', '-c', file])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/c\.yaml:2:17: admin\.listen: not an address; [^\n]+\n$/)
    expect(stderr.split('\n')).toHaveLength(2)
    for (const text of ['', 'a: [', 'text']) {
      const bad = await runHere(['healthcheck', '-c', scratch().write('c.yaml', text)])
      expect(bad, text).toMatchObject({ code: 1, stdout: '' })
      expect(bad.stderr, text).toMatch(/^[^\n]+; [^\n]+\n$/)
    }
  })

  it('says in one line why nobody can be asked', async () => {
    const { server } = await httpServer(() => {})
    const { port } = server.address() as AddressInfo
    server.close()
    expect(await health(`127.0.0.1:${port}`)).toEqual({
      code: 1,
      stdout: '',
      stderr: `bearerd: /readyz at 127.0.0.1:${port} cannot be asked: nothing listens there\n`,
    })
    expect(await health('127.0.0.1:0')).toMatchObject({ code: 1, stderr: expect.stringContaining('write one under') as string })
  })

  it('takes another program for what it is', async () => {
    const server = await httpServer((_request, response) => void response.end('x'.repeat(100_000)))
    expect((await health(`127.0.0.1:${new URL(server.url).port}`)).code).toBe(1)
  })

  it('does not wait longer than it may', async () => {
    const silent = await httpServer(() => {})
    const port = Number(new URL(silent.url).port)
    const listen = { host: '127.0.0.1', port, isLoopback: true }
    expect(await askProbe({ listen, tls: undefined }, '/livez', 60)).toEqual({
      isGood: false,
      says: `/livez at 127.0.0.1:${port} does not answer within 60 ms`,
    })
  })

  it.skipIf(!hasOpenssl)('speaks TLS, wants the very certificate that is configured, and does not mind its name', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('other', 'DNS:gateway.internal')
    const tls = { cert, key, client_ca: authority.cert }
    const callers = [{ name: 'ops', tls_subject: 'ops' }]
    const { adminUrl } = await startTestGateway({ admin: { listen: '127.0.0.1:0', tls, callers }, routes })
    const listen = adminUrl.replace('https://', '')
    const file = fileWith({ listen, tls: { cert, key } })
    expect(await runHere(['healthcheck', '-c', file])).toEqual({
      code: 0,
      stdout: `/readyz at ${listen} is 200\n`,
      stderr: '',
    })
    const wrong = await runHere(['healthcheck', '-c', fileWith({ listen, tls: certificateAuthority().issue('other') })])
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('another than that of admin.tls') as string })
    expect((await health(listen)).code).toBe(1)
    const plain = await startTestGateway({ routes })
    const place = plain.adminUrl.replace('http://', '')
    const toPlain = await runHere(['healthcheck', '-c', fileWith({ listen: place, tls: { cert, key } })])
    expect(toPlain).toMatchObject({ code: 1, stderr: expect.stringContaining('does not speak TLS') as string })
  })
})
