import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { examineAddress } from '../../../src/cli/doctor/examine-address.ts'
import { examineFiles } from '../../../src/cli/doctor/examine-files.ts'
import type { ListenAddress } from '../../../src/config/schema/listen.ts'
import { scratch } from '../../support/cli-scratch.ts'
import { runDoctor } from '../../support/doctor-run.ts'
import { describeWithRedis, freePort, redisForTest } from '../../support/redis-server.ts'
import { tcpServer } from '../../support/servers.ts'
import { tokenEndpoint } from '../../support/token-endpoint.ts'

const routes = [{ path: '/api', upstream: 'http://127.0.0.1:1' }]
const encryption_key = Buffer.alloc(32, 7).toString('base64')

describe('an address', () => {
  const on = (port: number, host = '127.0.0.1'): ListenAddress => ({ host, port, isLoopback: true })
  const examine = (address: ListenAddress, isGatewayHere = false) => examineAddress('listen', address, async () => isGatewayHere)

  it('is free, and stays so', async () => {
    const port = await freePort()
    for (let time = 0; time < 2; time++)
      expect(await examine(on(port))).toMatchObject({ verdict: 'ok', message: `127.0.0.1:${port} is free` })
  })

  it('that a running gateway has is in order, and that another program has is a warning', async () => {
    const { port } = await tcpServer(() => {})
    expect(await examine(on(port), true)).toMatchObject({
      verdict: 'ok',
      message: expect.stringContaining('a gateway answers') as string,
    })
    expect(await examine(on(port))).toMatchObject({ verdict: 'warning', message: expect.stringContaining('is in use') as string })
  })

  it('of another machine has failed', async () => {
    expect(await examine(on(8080, '192.0.2.1'))).toMatchObject({
      verdict: 'failed',
      message: expect.stringMatching(/\(EADDRNOTAVAIL\): it is no address of this machine; write one/) as string,
    })
  })

  it('of the token service is tried too', async () => {
    const { port } = await tcpServer(() => {})
    const run = await runDoctor({ routes, token_service: { listen: `127.0.0.1:${port}` } })
    expect(run.row('service')).toMatchObject({
      status: 'warning',
      remedy: 'stop what has it, or write another address under token_service.listen',
    })
  })

  it('may be a socket, whose file is left as it is', async () => {
    const place = scratch()
    const socket = (path: string): ListenAddress => ({ path, mode: 0o660, isLoopback: true })
    expect(await examine(socket(place.path('s')))).toMatchObject({ verdict: 'ok' })
    expect(await examine(socket(place.path('none/s')))).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('; make it') as string,
    })
    expect(await examine(socket(place.write('file', 'x')))).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('EEXIST') as string,
    })
    const server = createServer()
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(place.path('used'), resolve))
    expect(await examine(socket(place.path('used')))).toMatchObject({ verdict: 'warning' })
    expect(server.listening).toBe(true)
  })
})

describe('files', () => {
  it('that others may read or change are warnings, certificates only where they may be changed', async () => {
    const place = scratch()
    const file = (name: string, mode: number): string => {
      const path = place.write(name, 'x')
      chmodSync(path, mode)
      return path
    }
    const examine = (path: string, isSecret: boolean) => examineFiles([{ file: path, path: 'key', isSecret }])
    expect(await examine(file('good', 0o640), true)).toMatchObject([{ verdict: 'ok' }])
    expect(await examine(file('public', 0o644), false)).toMatchObject([{ verdict: 'ok' }])
    expect(await examine(file('open', 0o644), true)).toMatchObject([
      {
        verdict: 'warning',
        message: expect.stringMatching(/open \(key\) may be read by every user of this machine \(0644\); chmod o-r it/) as string,
      },
    ])
    expect(await examine(file('worse', 0o666), false)).toMatchObject([
      { verdict: 'warning', message: expect.stringMatching(/may be changed by every user of this machine \(0666\); /) as string },
    ])
    expect(await examine(place.path('gone'), true)).toMatchObject([
      { verdict: 'failed', message: expect.stringMatching(/\(ENOENT\); put it back/) as string },
    ])
  })
})

describe('a token store', () => {
  it('in memory, or in a file that can be written, is in order', async () => {
    expect((await runDoctor({ routes })).row('store')).toMatchObject({ status: 'ok', message: 'tokens are kept in memory' })
    const path = scratch().path('tokens')
    expect((await runDoctor({ routes, token_store: { file: { path, encryption_key } } })).row('store')).toMatchObject({
      status: 'ok',
      message: `${path} can be read and written`,
    })
  })

  it('in a file that cannot be kept has failed, and secrets are tried all the same', async () => {
    const endpoint = await tokenEndpoint()
    const run = await runDoctor({
      token_store: { file: { path: scratch().path('none/tokens'), encryption_key } },
      credentials: {
        main: { token_endpoint: endpoint.url, client_id: 'client', client_secret: 'canary' },
        kept: {
          token_endpoint: endpoint.url,
          client_id: 'client',
          client_secret: 'canary',
          grant_type: 'refresh_token',
          variables: { refresh_token: 'canary' },
        },
      },
      routes: [
        { path: '/api', upstream: endpoint.url, credential: 'main' },
        { path: '/kept', upstream: endpoint.url, credential: 'kept' },
      ],
    })
    expect(run.row('store')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('cannot find the folder') as string,
    })
    expect(run.row('token', 'main')).toMatchObject({ status: 'ok' })
    // Its next refresh token would be lost.
    expect(run.row('token', 'kept')).toMatchObject({ status: 'skipped' })
    expect(run.code).toBe(1)
  })

  it('in Redis that is down has failed, and its password is not told', async () => {
    const url = `redis://user:canary@127.0.0.1:${await freePort()}`
    const run = await runDoctor({ routes, token_store: { redis: { url, encryption_key } } })
    expect(run.row('store')).toMatchObject({
      status: 'failed',
      message: 'Redis is of no use: it cannot be reached (ECONNREFUSED)',
      remedy: expect.stringMatching(/^check token_store\.redis/) as string,
    })
    expect(run.output).not.toContain('canary')
  })
})

describeWithRedis('a token store in Redis', () => {
  it('that answers is in order, and one that wants a password is not', async () => {
    const redis = await redisForTest()
    const store = { redis: { url: redis.url, encryption_key } }
    expect((await runDoctor({ routes, token_store: store })).row('store')).toMatchObject({
      status: 'ok',
      message: 'Redis answers, and takes what is written',
    })
    const closed = await redisForTest('--requirepass', 'canary')
    const run = await runDoctor({ routes, token_store: { redis: { url: closed.url, encryption_key } } })
    expect(run.row('store')).toMatchObject({ status: 'failed', message: 'Redis is of no use: it wants a password (NOAUTH)' })
  })
})

describe('callers', () => {
  it.each([
    [{}, 'ok', 'anyone on this machine'],
    [{ listen: '0.0.0.0:0', callers: 'anyone' }, 'warning', 'anyone who can connect, without any proof'],
    [
      {
        listen: '0.0.0.0:0',
        callers: [
          { name: 'orders', api_key: 'canary', routes: ['/api'] },
          { name: 'ops', cidr: '10.0.0.0/8' },
        ],
      },
      'ok',
      'orders (api_key) on /api; ops (cidr)',
    ],
  ])('are named: %j', async (keys, status, message) => {
    const run = await runDoctor({ routes, ...keys })
    expect(run.row('callers')).toMatchObject({ status, message })
    expect(run.output).not.toContain('canary')
  })

  it('of a socket are a matter of its file', async () => {
    const run = await runDoctor({ routes, listen: `unix:${scratch().path('s')}` })
    expect(run.row('callers')).toMatchObject({ status: 'ok', message: 'whoever may use the socket (mode 0660)' })
  })
})
