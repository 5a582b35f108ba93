import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { scratch } from '../support/cli-scratch.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'

async function gatewayOn(listen: unknown, top: Record<string, unknown> = {}): Promise<[TestGateway, Provider]> {
  const api = await provider()
  const gateway = await startTestGateway({
    listen,
    credentials: { main: { token_endpoint: api.tokens.url, client_id: 'c', client_secret: 's' } },
    routes: [{ path: '/api', upstream: api.url, credential: 'main' }],
    ...top,
  })
  return [gateway, api]
}

interface Call {
  readonly method?: string
  readonly headers?: IncomingHttpHeaders
  readonly body?: string
}

function call(
  socketPath: string,
  path: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject).end(body)
  })
}

const permissions = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('callers come in by the file, with bodies and replays, and nothing is left of it at the end', async () => {
  const path = scratch().path('bearerd.sock')
  const [gateway, api] = await gatewayOn(`unix:${path}`)
  expect(gateway.url).toBe(`unix:${path}`)
  expect(gateway.log.find(({ message }) => message === 'bearerd is serving')).toMatchObject({ listen: `unix:${path}` })
  expect(permissions(path)).toBe('660')
  expect(await call(path, '/api/a', { method: 'POST', body: 'x'.repeat(100_000) })).toEqual({ status: 200, text: 'good' })
  api.tokens.revokeAll()
  expect(await call(path, '/api/a', { method: 'POST', body: 'again' })).toEqual({ status: 200, text: 'good' })
  expect(api.calls.map(({ body }) => body.length)).toEqual([100_000, 5, 5])
  await gateway.stop()
  expect(existsSync(path)).toBe(false)
})

test('the file has the permissions that were said, whatever the umask is', async () => {
  const files = scratch()
  const before = process.umask(0o077)
  onTestFinished(() => void process.umask(before))
  await gatewayOn({ address: `unix:${files.path('open.sock')}`, mode: '0666' })
  await gatewayOn({ address: `unix:${files.path('own.sock')}`, mode: '600' })
  expect([permissions(files.path('open.sock')), permissions(files.path('own.sock'))]).toEqual(['666', '600'])
  expect(process.umask()).toBe(0o077)
})

/** No browser connects to a file, so neither DNS rebinding nor a page of another site is there to be guarded against. */
test('any Host and Origin may come in by the file, but not two hosts in one request', async () => {
  const path = scratch().path('bearerd.sock')
  await gatewayOn(`unix:${path}`)
  for (const headers of [{ host: 'api.example.com' }, { origin: 'https://app.example' }, { 'sec-fetch-site': 'cross-site' }])
    expect((await call(path, '/api/a', { headers })).status).toBe(200)
  expect((await call(path, 'http://a.example/api/a', { headers: { host: 'b.example' } })).status).toBe(421)
})

test('callers on the file may have to prove themselves too', async () => {
  const path = scratch().path('bearerd.sock')
  await gatewayOn(`unix:${path}`, { callers: [{ name: 'orders', api_key: 'canary-key' }] })
  expect((await call(path, '/api/a')).status).toBe(401)
  expect((await call(path, '/api/a', { headers: { 'x-bearerd-key': 'canary-key' } })).status).toBe(200)
})

test('a file that a killed process left behind is replaced', async () => {
  const path = scratch().path('bearerd.sock')
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`,
  ])
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  expect(existsSync(path)).toBe(true)
  await gatewayOn(`unix:${path}`)
  expect((await call(path, '/api/a')).status).toBe(200)
})

test('a file on which somebody listens, or that is no socket, is left alone', async () => {
  const files = scratch()
  const path = files.path('taken.sock')
  const other = createServer((socket) => socket.on('error', () => {}).end('other'))
  await new Promise<void>((resolve) => other.listen(path, resolve))
  onTestFinished(() => void other.close())
  await expect(gatewayOn(`unix:${path}`)).rejects.toThrow(`cannot listen on unix:${path}: another program uses this address`)
  const text = files.write('notes.txt', 'precious')
  await expect(gatewayOn(`unix:${text}`)).rejects.toThrow('there is a file that is no socket; remove it')
  expect(statSync(text).size).toBe(8)
  await expect(gatewayOn(`unix:${join(files.folder, 'nowhere/b.sock')}`)).rejects.toThrow('there is no such folder; make it')
  expect(other.listening && existsSync(path)).toBe(true)
})

test('the admin interface can be on a file, where whoever may connect may change something', async () => {
  const path = scratch().path('admin.sock')
  const [gateway, api] = await gatewayOn('127.0.0.1:0', { admin: { listen: { address: `unix:${path}`, mode: '0600' } } })
  expect(gateway.adminUrl).toBe(`unix:${path}`)
  expect((await call(path, '/readyz', { headers: { host: 'whatever.example' } })).status).toBe(200)
  expect((await call(path, '/credentials/main/renew', { method: 'POST' })).status).toBe(200)
  expect(api.tokens.requests).toHaveLength(1)
})
