import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, SignJWT } from 'jose'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load-config.ts'
import { watchConfig } from '../../src/cli/config-watch.ts'
import { certificateAuthority } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { reloadable } from '../support/reloadable-gateway.ts'
import { answerJson, httpServer, tcpServer } from '../support/servers.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/** Reloads, rotations and refusals that fall into the middle of something else. */

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-review-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** An issuer whose keys come when `release` is called, or at once when that was done before. */
async function issuer() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const asked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const state = { status: 200 }
  const { url } = await httpServer(async (_, response) => {
    asked.resolve()
    await released.promise
    answerJson(response, { keys: [jwk] }, state.status)
  })
  const token = await new SignJWT({ iss: 'https://login.example', aud: 'bearerd', exp: Math.floor(Date.now() / 1000) + 600 })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .sign(privateKey)
  return {
    state,
    asked: asked.promise,
    release: () => released.resolve(),
    headers: { authorization: `Bearer ${token}` },
    caller: { name: 'orders', jwt: { issuer: 'https://login.example', jwks_uri: `${url}/jwks.json`, audience: 'bearerd' } },
  }
}

const client = { client_id: 'client', client_secret: 'canary-client-secret' }

describe('a request whose caller is being checked while the configuration changes', () => {
  test('never takes the token of the new credential to the upstream of the old route', async () => {
    const keys = await issuer()
    const [oldTokens, newTokens] = [await tokenEndpoint(), await tokenEndpoint()]
    newTokens.answer = (response) => answerJson(response, { access_token: 'canary-production', expires_in: 600 })
    const seenByOld: unknown[] = []
    const sandbox = await httpServer((request, response) => {
      seenByOld.push(request.headers.authorization)
      response.end()
    })
    const production = await httpServer((_, response) => response.end())
    const gateway = await reloadable({
      callers: [keys.caller],
      credentials: { main: { token_endpoint: oldTokens.url, ...client } },
      routes: [{ path: '/api', upstream: sandbox.url, credential: 'main' }],
    })
    const open = fetch(`${gateway.url}/api`, { headers: keys.headers })
    await keys.asked
    const changes = {
      credentials: { main: { token_endpoint: newTokens.url, ...client } },
      routes: [{ path: '/api', upstream: production.url, credential: 'main' }],
    }
    expect(await gateway.reload(changes)).toMatchObject({ isUsed: true })
    keys.release()
    await open
    expect(seenByOld).not.toContain('Bearer canary-production')
  })

  test('is not lost when its credential has another name afterwards', async () => {
    const keys = await issuer()
    const tokens = await tokenEndpoint()
    const upstream = await httpServer((_, response) => response.end())
    const gateway = await reloadable({
      callers: [keys.caller],
      credentials: { main: { token_endpoint: tokens.url, ...client } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    })
    const open = fetch(`${gateway.url}/api`, { headers: keys.headers })
    await keys.asked
    await gateway.reload({
      credentials: { renamed: { token_endpoint: tokens.url, ...client } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'renamed' }],
    })
    keys.release()
    expect((await open).status).toBe(200)
  })
})

describe('a secret that has moved to another file and says the same', () => {
  test('is read there from then on: a key taken out of it opens nothing', async () => {
    const folder = scratch()
    const [before, after] = [join(folder, 'before'), join(folder, 'after')]
    writeFileSync(before, 'canary-key-1')
    writeFileSync(after, 'canary-key-1')
    const upstream = await httpServer((_, response) => response.end())
    const gateway = await reloadable({
      callers: [{ name: 'erp', api_key: { file: before } }],
      routes: [{ path: '/api', upstream: upstream.url }],
    })
    expect(await gateway.reload({ callers: [{ name: 'erp', api_key: { file: after } }] })).toMatchObject({ isUsed: true })
    rmSync(before)
    writeFileSync(after, 'canary-key-2')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const statusWith = async (key: string) => (await fetch(`${gateway.url}/api`, { headers: { 'x-bearerd-key': key } })).status
    expect([await statusWith('canary-key-1'), await statusWith('canary-key-2')]).toEqual([401, 200])
  })

  test('is read there from then on: the next token request has the rotated client secret', async () => {
    const folder = scratch()
    const after = join(folder, 'after')
    writeFileSync(after, 'canary-secret-1')
    const tokens = await tokenEndpoint()
    const upstream = await httpServer((_, response) => response.end())
    const main = { token_endpoint: tokens.url, client_id: 'c', token_endpoint_auth_method: 'client_secret_post' }
    const gateway = await reloadable({
      credentials: { main: { ...main, client_secret: 'canary-secret-1' } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    })
    await gateway.reload({ credentials: { main: { ...main, client_secret: { file: after } } } })
    writeFileSync(after, 'canary-secret-2')
    await (await fetch(`${gateway.url}/api`)).text()
    expect(JSON.stringify(tokens.requests)).toContain('canary-secret-2')
  })
})

test('a configuration that fails while it is taken into use changes nothing', async () => {
  const folder = scratch()
  const args = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=x']
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const tokens = await tokenEndpoint()
  const upstream = await httpServer((_, response) => response.end())
  const gateway = await reloadable({
    credentials: { main: { token_endpoint: tokens.url, ...client } },
    routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
  })
  expect((await fetch(`${gateway.url}/api`)).status).toBe(200)
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const result = await gateway.reload({
    credentials: { renamed: { token_endpoint: tokens.url, ...client } },
    routes: [{ path: '/api', upstream: 'https://127.0.0.1:1', tls, credential: 'renamed' }],
  })
  expect(result).toMatchObject({ isUsed: false })
  expect((await fetch(`${gateway.url}/api`)).status).toBe(200)
})

test('a reload that adds a caller keeps the keys of issuers, so that an issuer that is down stops nobody', async () => {
  const keys = await issuer()
  keys.release()
  const upstream = await httpServer((_, response) => response.end())
  const routes = [{ path: '/api', upstream: upstream.url }]
  const gateway = await reloadable({ callers: [keys.caller], routes })
  expect((await fetch(`${gateway.url}/api`, { headers: keys.headers })).status).toBe(200)
  keys.state.status = 503
  await gateway.reload({ callers: [keys.caller, { name: 'more', api_key: 'canary-key' }] })
  expect((await fetch(`${gateway.url}/api`, { headers: keys.headers })).status).toBe(200)
})

test('the keys of an issuer are fetched through the egress proxy of the environment', async () => {
  const proxy = await tcpServer((socket) => socket.destroy())
  const keys = await issuer()
  const upstream = await httpServer((_, response) => response.end())
  const jwt = { ...keys.caller.jwt, jwks_uri: 'https://login.example.invalid/jwks.json' }
  const gateway = await startTestGateway(
    { callers: [{ name: 'orders', jwt }], routes: [{ path: '/api', upstream: upstream.url }] },
    { HTTPS_PROXY: proxy.url },
  )
  await fetch(`${gateway.url}/api`, { headers: keys.headers })
  expect(proxy.connections()).toBe(1)
})

test('a page that has pointed its own name at this machine changes nothing on an admin interface for all addresses', async () => {
  const upstream = await httpServer((_, response) => response.end())
  const gateway = await reloadable({ admin: { listen: '0.0.0.0:0' }, routes: [{ path: '/api', upstream: upstream.url }] })
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { host: 'evil.example:9090', origin: 'http://evil.example:9090' }
    const request = httpRequest(`${gateway.adminUrl}/reload`, { method: 'POST', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject).end()
  })
  expect([403, 421]).toContain(status)
})

test('a configuration that fails while it is taken into use takes no new token to an old upstream', async () => {
  const folder = scratch()
  const args = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=x']
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const [oldTokens, newTokens] = [await tokenEndpoint(), await tokenEndpoint()]
  newTokens.answer = (response) => answerJson(response, { access_token: 'canary-production', expires_in: 600 })
  const sandbox = await httpServer((request, response) => answerJson(response, request.headers.authorization))
  const gateway = await reloadable({
    credentials: { main: { token_endpoint: oldTokens.url, ...client } },
    routes: [{ path: '/api', upstream: sandbox.url, credential: 'main' }],
  })
  const result = await gateway.reload({
    credentials: { main: { token_endpoint: newTokens.url, ...client } },
    routes: [
      {
        path: '/api',
        upstream: 'https://127.0.0.1:1',
        tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
        credential: 'main',
      },
    ],
  })
  expect(result).toMatchObject({ isUsed: false })
  expect(await (await fetch(`${gateway.url}/api`)).json()).toBe('Bearer token-1')
})

test('the end waits for a token request that began before a reload', async () => {
  const tokens = await tokenEndpoint()
  const released = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  let isAnswered = false
  tokens.answer = async (response, next) => {
    asked.resolve()
    await released.promise
    isAnswered = true
    answerJson(response, { access_token: next, expires_in: 600, refresh_token: 'canary-successor' })
  }
  const upstream = await httpServer((_, response) => response.end())
  const main = { token_endpoint: tokens.url, ...client }
  const gateway = await reloadable({
    credentials: { main },
    routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
  })
  const renewal = gateway.tokens.named('main')?.renew()
  renewal?.catch(() => {})
  await asked.promise
  await gateway.reload({ credentials: { main: { ...main, scope: 'more' } } })
  setTimeout(() => released.resolve(), 1_000)
  await gateway.stop()
  expect(isAnswered).toBe(true)
})

test('a caller whose key file is gone cannot call any more', async () => {
  const file = join(scratch(), 'key')
  writeFileSync(file, 'canary-key')
  const upstream = await httpServer((_, response) => response.end())
  const gateway = await reloadable({
    callers: [{ name: 'erp', api_key: { file } }],
    routes: [{ path: '/api', upstream: upstream.url }],
  })
  rmSync(file)
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  expect((await fetch(`${gateway.url}/api`, { headers: { 'x-bearerd-key': 'canary-key' } })).status).toBe(401)
})

test('a token without a key id is checked with every key of its issuer that fits', async () => {
  const [one, two] = [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('rsa', { modulusLength: 2048 })]
  const jwks = { keys: [await exportJWK(one.publicKey), await exportJWK(two.publicKey)] }
  const { url } = await httpServer((_, response) => answerJson(response, jwks))
  const token = await new SignJWT({ iss: 'https://login.example', aud: 'bearerd', exp: Math.floor(Date.now() / 1000) + 600 })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(one.privateKey)
  const upstream = await httpServer((_, response) => response.end())
  const gateway = await reloadable({
    callers: [{ name: 'orders', jwt: { issuer: 'https://login.example', jwks_uri: `${url}/jwks`, audience: 'bearerd' } }],
    routes: [{ path: '/api', upstream: upstream.url }],
  })
  expect((await fetch(`${gateway.url}/api`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
})

test('a request that a reload overtakes leaves nothing behind that goes on looking at certificates', async () => {
  const ca = certificateAuthority()
  const tokens = await tokenEndpoint()
  const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  tokens.answer = async (response, next) => {
    asked.resolve()
    await released.promise
    answerJson(response, { access_token: next, expires_in: 600, instance: 'https://127.0.0.1:1' })
  }
  const route = {
    path: '/api',
    upstream: '{token.instance}',
    allowed_hosts: ['127.0.0.1:1'],
    tls: { ca: ca.cert },
    credential: 'main',
  }
  const gateway = await reloadable({ credentials: { main: { token_endpoint: tokens.url, ...client } }, routes: [route] })
  const started = vi.spyOn(globalThis, 'setInterval')
  const ended = vi.spyOn(globalThis, 'clearInterval')
  onTestFinished(() => void vi.restoreAllMocks())
  const open = fetch(`${gateway.url}/api`)
  await asked.promise
  await gateway.reload({ routes: [{ ...route, max_connections: 7 }] })
  released.resolve()
  await open
  await gateway.stop()
  const left = started.mock.results
    .filter((_, index) => started.mock.calls[index]?.[1] === 10_000)
    .filter(({ value }) => !ended.mock.calls.some(([timer]) => timer === value))
  expect(left).toHaveLength(0)
})

test('a changed configuration whose secret file comes a moment later is taken into use then', async () => {
  const folder = scratch()
  const [file, secret] = [join(folder, 'proxy.config.yaml'), join(folder, 'secret')]
  const text = (more: object) =>
    stringify({
      listen: '127.0.0.1:0',
      admin: { listen: '127.0.0.1:0' },
      routes: [{ path: '/api', upstream: 'http://127.0.0.1:1' }],
      ...more,
    })
  writeFileSync(file, text({}))
  const outcomes: boolean[] = []
  const end = watchConfig(file, async () => {
    const isGood = await Promise.resolve()
      .then(() => loadConfig(file, {}))
      .then(
        () => true,
        () => false,
      )
    outcomes.push(isGood)
    return isGood
  })
  onTestFinished(end)
  writeFileSync(file, text({ callers: [{ name: 'erp', api_key: { file: secret } }] }))
  await expect.poll(() => outcomes, { timeout: 3_000 }).toEqual([false])
  writeFileSync(secret, 'canary-key')
  await expect.poll(() => outcomes.at(-1), { timeout: 12_000 }).toBe(true)
})

test('who is refused cannot hold a connection for ever by sending a byte now and then', async () => {
  // In earnest 5 s for a pause, and 10 s in all.
  hasten({ 5_000: 500, 10_000: 1_000 })
  const upstream = await httpServer((_, response) => response.end())
  const gateway = await reloadable({
    callers: [{ name: 'erp', api_key: 'canary-key' }],
    limits: { idle: '1s', header_time: '1s', body_idle: '1s' },
    routes: [{ path: '/api', upstream: upstream.url }],
  })
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  let isOpen = true
  socket.on('error', () => {}).on('close', () => (isOpen = false))
  socket.resume()
  socket.write('POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n')
  const drip = setInterval(() => socket.write('x'), 250)
  onTestFinished(() => {
    clearInterval(drip)
    socket.destroy()
  })
  await expect.poll(() => isOpen, { timeout: 4_000, interval: 50 }).toBe(false)
})

test('a tunnel that was begun with an old client certificate serves no request after the rotation', async () => {
  const authority = certificateAuthority()
  const [one, two] = [authority.issue('one'), authority.issue('two')]
  const folder = scratch()
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const use = (from: typeof one) => {
    copyFileSync(from.cert, files.cert)
    copyFileSync(from.key, files.key)
  }
  use(one)
  const upstream = await tlsUpstream(authority.issue('server', 'DNS:api.test'), { clientCa: authority.cert })
  const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let tunnels = 0
  const { server, url } = await httpServer((_, response) => response.end())
  server.on('connect', (_request, socket) => {
    const dig = () => {
      const onward = connect(upstream.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => {})
    }
    socket.on('error', () => {})
    asked.resolve()
    if (++tunnels === 1) void released.promise.then(dig)
    else dig()
  })
  const tls = { ca: authority.cert, ...files }
  const gateway = await reloadable({ routes: [{ path: '/api', upstream: upstream.url('api.test'), proxy: url, tls }] })
  const shown = async () => await (await fetch(`${gateway.url}/api`)).text()
  const slow = shown()
  await asked.promise
  use(two)
  expect(await shown()).toContain('CN=two')
  released.resolve()
  expect(await slow).toContain('CN=one')
  expect(await shown()).toContain('CN=two')
})
