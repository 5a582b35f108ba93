import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { run, start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { examplePath, exampleText, itWith } from '../support/examples.ts'
import { freePort } from '../support/redis-server.ts'

const unit = exampleText('systemd/bearerd.service')
const program = '/opt/bearerd/bin/bearerd'
const withAnalyze = itWith('systemd-analyze', false)

/** The values of a key of the unit. */
function valuesOf(key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

describe('examples/systemd', { timeout: 60_000 }, () => {
  withAnalyze('is a unit in which systemd finds nothing wrong', () => {
    const { folder, path } = scratch()
    const units = path('etc/systemd/system')
    mkdirSync(units, { recursive: true })
    for (const name of ['sysinit', 'basic', 'shutdown', 'multi-user', 'network-online', 'nss-lookup'])
      writeFileSync(`${units}/${name}.target`, '[Unit]\nDescription=of the test\nDefaultDependencies=no\n')
    for (const command of [program, '/bin/sh', '/bin/kill']) {
      mkdirSync(path(dirname(command)), { recursive: true })
      cpSync('/bin/true', path(command))
    }
    const verify = (text: string) => {
      writeFileSync(`${units}/bearerd.service`, text)
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', `--root=${folder}`, 'bearerd.service'], {
        encoding: 'utf8',
      })
      return { status, stderr }
    }
    expect(verify(unit)).toEqual({ status: 0, stderr: '' })
    expect(verify(unit.replace('ProtectHome', 'ProtectHoem')).stderr).toContain('ProtectHoem')
    expect(verify(unit.replaceAll(program, '/opt/nothing')).status).not.toBe(0)
  })

  withAnalyze('leaves little open', () => {
    const args = ['security', '--offline=true', '--threshold=15', '--no-pager', examplePath('systemd/bearerd.service')]
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  })

  it('hands over the credentials that the configuration asks for', () => {
    const { folder, write } = scratch()
    for (const credential of valuesOf('LoadCredential')) write(credential.split(':')[0] ?? '', 'for a test\n')
    const config = loadConfig(examplePath('systemd/proxy.config.yaml'), { CREDENTIALS_DIRECTORY: folder })
    expect(config.credentials.get('uber')?.client_secret?.reveal()).toBe('for a test')
    expect(valuesOf('Environment')[0]).toContain('BEARERD_CONFIG=/etc/bearerd/proxy.config.yaml')
    expect(valuesOf('ExecStart')).toEqual([`${program} serve`])
    const stopSeconds = Number(/^(\d+)s$/.exec(valuesOf('TimeoutStopSec')[0] ?? '')?.[1])
    expect(stopSeconds * 1_000).toBeGreaterThan(config.shutdown.delay + config.shutdown.grace + 10_000)
  })

  it('counts as started when the gateway serves, and as failed when it has ended', async () => {
    const { folder, write } = scratch()
    write('uber', 'for a test')
    // The only thing that is read of the file is where the admin interface listens, so it has to be a port that is known.
    const admin = await freePort()
    const places = { '127.0.0.1:8080': '127.0.0.1:0', '127.0.0.1:9090': `127.0.0.1:${admin}` }
    const file = write('a.yaml', exampleText('systemd/proxy.config.yaml', places))
    const env = { BEARERD_CONFIG: file, CREDENTIALS_DIRECTORY: folder }
    const [, script = ''] = /^\/bin\/sh -c '(.*)'$/.exec(valuesOf('ExecStartPost')[0] ?? '') ?? []
    // systemd makes one dollar of two.
    const waiting = write('wait.sh', script.replaceAll(program, 'node bin/bearerd.js').replaceAll('$$', '$'))
    const wait = (pid: number) => run([waiting], { command: ['/bin/sh'], env: { ...env, MAINPID: String(pid) } })

    const gateway = start(['serve'], { env })
    expect((await wait(gateway.pid)).code).toBe(0)
    expect(gateway.output().stdout).toContain('bearerd is serving')
    gateway.signal('SIGTERM')
    await gateway.finished
    expect((await wait(gateway.pid)).code).toBe(1)
  })
})
