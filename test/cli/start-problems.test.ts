/** What keeps a gateway from starting, as whoever deploys it sees it: one line that says what is wrong and what to do, and exit code 1. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { withoutCode } from '../support/cli-problems.ts'
import { projectRoot, run } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'

/** The superuser may write and read everything, so that what others see is shown by another user. */
const uid = process.getuid?.() === 0 ? 65532 : undefined
const mayRun = spawnSync('test', ['-r', join(projectRoot, 'bin/bearerd.js')], { ...(uid !== undefined && { uid }) }).status === 0
const withoutRights = it.skipIf(!mayRun)
const ending = mayRun ? '' : ' (skipped: other users may not read this checkout)'

const key = Buffer.alloc(32).toString('base64')

/** Starts a gateway that cannot start. @returns what it says, without the name of its file */
async function whatItSays(head: string, folder: ReturnType<typeof scratch> = scratch()): Promise<string> {
  chmodSync(folder.folder, 0o755)
  const file = folder.write(
    'proxy.config.yaml',
    `${head}
${head.includes('admin:') ? '' : 'admin: {listen: "127.0.0.1:0"}'}
credentials: {main: {token_endpoint: "http://127.0.0.1:1/token", client_id: a, client_secret: b}}
routes: [{path: /api, upstream: "http://127.0.0.1:1", credential: main}]
`,
  )
  const { code, stderr } = await run(['serve', '-c', file], { uid: mayRun ? uid : undefined })
  expect(code, stderr).toBe(1)
  expect(stderr).toMatch(/^[^\n]+; [^\n]+\n$/)
  expect(stderr).not.toMatch(/ {4}at |node:/)
  return withoutCode(stderr.trimEnd().replace(`${file}:`, ''))
}

describe('bearerd serve says in one line', { timeout: 60_000 }, () => {
  it('that a port is taken, of whichever listener, also with workers', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const taken = `bearerd: cannot listen on 127.0.0.1:${port}: another program uses this address; stop it, or choose another address under`
    expect(await whatItSays(`listen: 127.0.0.1:${port}`)).toBe(`${taken} "listen"`)
    expect(await whatItSays(`listen: 127.0.0.1:${port}\nworkers: 2`)).toBe(`${taken} "listen"`)
    expect(await whatItSays(`listen: 127.0.0.1:0\nadmin: {listen: "127.0.0.1:${port}"}`)).toBe(`${taken} "admin.listen"`)
  })

  it.skipIf(!mayRun || firstPort() <= 81)('that a port is not for this user', async () => {
    expect(await whatItSays('listen: 127.0.0.1:81')).toBe(
      'bearerd: cannot listen on 127.0.0.1:81: this user may not use this port; choose one above 1023 under "listen"',
    )
  })

  it('that this machine does not have an address, or knows no name', async () => {
    expect(await whatItSays('listen: 192.0.2.1:0\ncallers: anyone')).toMatch(
      /does not have this address; choose another under "listen"$/,
    )
    expect(await whatItSays('listen: no-such-name.invalid:0\ncallers: anyone')).toMatch(
      /name.*; write an IP address of this machine under "listen"$/,
    )
  })

  withoutRights(`that a socket cannot be made, and whether it is for want of a folder${ending}`, async () => {
    const { path, write } = scratch()
    chmodSync(path('.'), 0o755)
    mkdirSync(path('closed'), { mode: 0o555 })
    expect(await whatItSays(`listen: "unix:${path('none/a.sock')}"`)).toMatch(/none\/a\.sock: there is no such folder; make it/)
    expect(await whatItSays(`listen: "unix:${write('file', '')}"`)).toMatch(/there is a file that is no socket; remove it/)
    expect(await whatItSays(`listen: "unix:${path('closed/a.sock')}"`)).toMatch(
      /this user may not make a file there; let it write/,
    )
  })

  withoutRights(`that tokens cannot be written where they should be${ending}`, async () => {
    const { path } = scratch()
    chmodSync(path('.'), 0o755)
    mkdirSync(path('closed'), { mode: 0o555 })
    const store = (file: string) => `listen: 127.0.0.1:0\ntoken_store: {file: {path: "${path(file)}", encryption_key: "${key}"}}`
    expect(await whatItSays(store('closed/tokens'))).toMatch(
      /closed\/tokens: permission denied; let the user that runs bearerd write there$/,
    )
    expect(await whatItSays(store('none/tokens'))).toMatch(
      /none\/tokens: it does not exist; make it, for the user that runs bearerd$/,
    )
  })

  it.skipIf(!hasOpenssl).each([
    {
      key: 'cert',
      what: 'is missing',
      says: /^2:\d+: tls\.cert: the file \S+none does not exist; correct its path, or mount it there$/,
      file: 'none',
    },
    {
      key: 'key',
      what: 'is missing',
      says: /^2:\d+: tls\.key: the file \S+none does not exist; correct its path, or mount it there$/,
      file: 'none',
    },
    {
      key: 'cert',
      what: 'is a folder',
      says: /tls\.cert: the file \S+ is a folder; write the path of the file in it$/,
      file: 'folder',
    },
    {
      key: 'cert',
      what: 'holds something else',
      says: /tls\.cert: this holds no certificate in PEM; write a file that begins with -----BEGIN/,
      file: 'junk',
    },
    { key: 'cert', what: 'is damaged', says: /tls\.cert: this holds no certificate in PEM; /, file: 'damaged' },
    {
      key: 'key',
      what: 'holds something else',
      says: /tls\.key: this holds no private key in PEM that can be read; write one without a passphrase$/,
      file: 'junk',
    },
    {
      key: 'key',
      what: 'belongs to another certificate',
      says: /tls\.key: this is not the private key of tls\.cert; write the two that belong together$/,
      file: 'other.key',
    },
    {
      key: 'client_ca',
      what: 'is missing',
      says: /tls\.client_ca: the file \S+none does not exist; correct its path/,
      file: 'none',
    },
    { key: 'client_ca', what: 'holds something else', says: /tls\.client_ca: this holds no certificate in PEM; /, file: 'junk' },
  ])('that the file of tls.$key $what', async ({ key: name, says, file }) => {
    const { write, path } = scratch()
    mkdirSync(path('folder'))
    write('junk', 'nonsense\n')
    write('damaged', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    const { issue, cert: authority } = certificateAuthority()
    const right = issue('right')
    write('other.key', readFileSync(issue('other').key, 'utf8'))
    const parts = {
      cert: write('right.pem', readFileSync(right.cert, 'utf8')),
      key: write('right.key', readFileSync(right.key, 'utf8')),
      client_ca: write('ca.pem', readFileSync(authority, 'utf8')),
    }
    chmodSync(path('.'), 0o755)
    const tls = JSON.stringify({ ...parts, [name]: path(file) })
    expect(
      await whatItSays(`callers: [{name: app, tls_subject: "CN=app", routes: [/api]}]\ntls: ${tls}\nlisten: 127.0.0.1:0`),
    ).toMatch(says)
  })

  it.skipIf(!mayRun || !hasOpenssl)(`that a key may not be read${ending}`, async () => {
    const { write, path } = scratch()
    const { cert, key: secret } = certificateAuthority().issue('right')
    const tls = { cert: write('a.pem', readFileSync(cert, 'utf8')), key: write('a.key', readFileSync(secret, 'utf8')) }
    chmodSync(path('.'), 0o755)
    chmodSync(tls.key, 0o000)
    expect(await whatItSays(`listen: 127.0.0.1:0\ntls: ${JSON.stringify(tls)}`)).toMatch(
      /tls\.key: the file \S+a\.key may not be read by the user that runs bearerd; change its owner or its permissions$/,
    )
  })
})

/** Below it, ports are for the superuser; containers often have no such limit. */
function firstPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 1024
  }
}
