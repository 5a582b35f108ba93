import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Secret } from '../../../../src/config/secret.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../../../support/certificates.ts'
import { goodConfig } from '../../../support/cli-problems.ts'
import { run } from '../../../support/cli-process.ts'
import { scratch } from '../../../support/cli-scratch.ts'
import { tcpServer } from '../../../support/servers.ts'
import { describeWithRedis, freePort, redisForTest } from '../../../support/redis-server.ts'
import { redisStoreForTest } from '../../../support/redis-store.ts'
import { budgetOf, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from '../entries.ts'

/** What people are told to write. */
const docs = readFileSync(resolve(import.meta.dirname, '../../../../docs/token-stores.md'), 'utf8')
const rights = /^ACL SETUSER bearerd reset on >PASSWORD (.+)$/m.exec(docs)?.[1] ?? ''

describeWithRedis('the connection to Redis', () => {
  it('needs rights that the documentation lists', () => {
    expect(rights.split(' ').length).toBeGreaterThan(10)
  })

  it('does not keep a gateway alive that cannot listen', async () => {
    const { url } = await redisForTest()
    const taken = await tcpServer(() => {})
    const key = Buffer.alloc(32, 7).toString('base64')
    const text = `listen: 127.0.0.1:${taken.port}\nadmin: {listen: "127.0.0.1:0"}\ntoken_store: {redis: {url: "${url}", encryption_key: ${key}}}\n`
    const { code, stderr } = await run(['serve', '-c', scratch().write('c.yaml', `${goodConfig}${text}`)])
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('another program uses this address') as string })
  })

  it('is made as the user of the URL, who needs only the rights that are documented', async () => {
    const server = await redisForTest()
    const admin = await server.admin()
    await admin.sendCommand(['ACL', 'SETUSER', 'gate+way@home', 'reset', 'on', '>p@ss/word', ...rights.split(' ')])
    const url = `redis://${encodeURIComponent('gate+way@home')}:${encodeURIComponent('p@ss/word')}@127.0.0.1:${server.port}/3`
    const { store, log } = redisStoreForTest(url)
    const keys = freshKeys()
    const token = tokenEntry(Date.now(), { isOnProbation: true })
    const lock = await locked(store, keys)
    await lock.spend(keys.budget, budgetOf(3))
    await lock.publish(token, grantEntry(Date.now()))
    store.accept(keys, token.id)
    expect(keptId(await store.claim(keys, undefined))).toBe(token.id)
    await expect.poll(async () => (await store.read(keys))?.isOnProbation, { timeout: 5_000 }).toBe(false)
    expect(await store.keepGrant(keys, grantEntry(Date.now()))).toBe(true)
    store.reject(keys, token.id)
    const failing = await locked(store, keys, token.id)
    failing.fail({ kind: 'refused', code: 'invalid_client', message: 'no' }, 10_000)
    const extended = await locked(store, freshKeys())
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    extended.release()
    await store.forget(keys, token.id)
    await store.close()
    expect(log).toEqual([])
    // A right that is missing may be ignored by the client library, but it is noted there.
    expect(await admin.sendCommand(['ACL', 'LOG'])).toEqual([])
    expect(await admin.keys('*')).toEqual([])
    await admin.select(3)
    expect(await admin.keys('*')).not.toEqual([])
  })

  it.each(rights.split(' ').filter((right) => right.startsWith('+') && right !== '+select'))(
    'says at once that the user lacks a right, here %s',
    async (right) => {
      const server = await redisForTest()
      const admin = await server.admin()
      const others = rights.split(' ').filter((other) => other !== right)
      await admin.sendCommand(['ACL', 'SETUSER', 'gateway', 'reset', 'on', '>secret', ...others])
      const { store, log } = redisStoreForTest(`redis://gateway:secret@127.0.0.1:${server.port}`)
      await store.started()
      await expect
        .poll(() => log, { timeout: 5_000 })
        .toMatchObject([{ reason: 'its user lacks a right; docs/token-stores.md lists them (NOPERM)' }])
    },
  )

  it('is made with the URL that is in its file at the moment', async () => {
    const server = await redisForTest('--requirepass', 'first')
    const admin = await server.admin('first')
    const path = join(scratchFolder(), 'redis-url')
    const write = (password: string): void => writeFileSync(path, `redis://:${password}@127.0.0.1:${server.port}\n`)
    write('first')
    const { store, changes } = redisStoreForTest('', { url: Secret.fromFile(path) })
    await store.started()
    await admin.configSet('requirepass', 'second')
    write('second')
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true, false, true])
  })

  it('fails in words when the URL holds something else than the number of a database', async () => {
    const server = await redisForTest()
    const { store, log } = redisStoreForTest(`${server.url}/canary`)
    await store.started()
    expect(log).toMatchObject([{ reason: 'its URL names no database by number' }])
    expect(JSON.stringify(log)).not.toContain('canary')
  })
})

describeWithRedis('the connection to Redis over TLS', () => {
  it.skipIf(!hasOpenssl)('proves who it is with the certificate of the moment, and trusts only the given authority', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('redis', 'DNS:redis.example.com')
    const [port, gateway, folder] = [await freePort(), authority.issue('gateway'), scratchFolder()]
    const tlsPort = [
      '--tls-port',
      String(port),
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      authority.cert,
    ]
    const server = await redisForTest(...tlsPort, '--tls-auth-clients', 'yes')
    const url = `rediss://127.0.0.1:${port}`
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    const install = (from: { readonly cert: string; readonly key: string }): void => {
      copyFileSync(from.cert, files.cert)
      copyFileSync(from.key, files.key)
    }
    install(gateway)
    const ours = { cert: Secret.fromFile(files.cert), key: Secret.fromFile(files.key), server_name: 'redis.example.com' }
    const trust = { ca: Secret.of(pemOf(authority.cert)) }
    const { store, changes, log } = redisStoreForTest(url, { tls: { ...ours, ...trust } })
    const keys = freshKeys()
    await publish(store, keys, tokenEntry(Date.now()))
    expect(await store.read(keys)).toBeDefined()

    // A stranger's certificate shows that the files are read again at each connection.
    install(certificateAuthority().issue('stranger'))
    await (await server.admin()).sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true, false])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(changes).toEqual([true, false])
    install(gateway)
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true, false, true])
    expect(log).toHaveLength(2)

    for (const tls of [ours, { ...trust, ...ours, server_name: 'other.example.com' }, trust, undefined]) {
      const stranger = redisStoreForTest(url, { tls })
      expect((await stranger.store.claim(keys, undefined)).state).toBe('unavailable')
      expect(stranger.changes).toEqual([false])
    }
  })
})

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-redis-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}
