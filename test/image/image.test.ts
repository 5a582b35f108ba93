/** No container engine is needed: the steps of the Dockerfile are run in a folder, and what they made becomes the root of a process. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { demoConfig } from '../../src/cli/demo-config.ts'
import { buildImage, imageUser, whyNotFirst, whyNotRun } from '../support/image.ts'
import type { BuiltImage } from '../support/image.ts'
import { freePort } from '../support/redis-server.ts'
import { httpServer, tcpServer } from '../support/servers.ts'
import { runningSimulator } from '../simulator/running-simulator.ts'

const configPath = '/etc/bearerd/proxy.config.yaml'
const asFirst = it.skipIf(whyNotFirst !== undefined)
const ending = whyNotFirst === undefined ? '' : ` (not as process 1, ${whyNotFirst})`

describe.skipIf(whyNotRun !== undefined)(
  `the image${whyNotRun === undefined ? '' : ` (${whyNotRun})`}`,
  { timeout: 30_000 },
  () => {
    let image: BuiltImage
    beforeAll(() => {
      image = buildImage()
    }, 300_000)
    afterAll(() => image.remove(), 60_000)

    it('holds Node.js, its libraries and the package, and no shell', () => {
      expect(readdirSync(join(image.root, 'usr/bin'))).toEqual(['env'])
      expect(readdirSync(join(image.root, 'usr/local/bin')).sort()).toEqual(['bearerd', 'node'])
      expect(readdirSync(join(image.root, 'opt/bearerd'))).toContain('dist')
      expect(readFileSync(join(image.root, 'var/lib/dpkg/status'), 'utf8')).toMatch(/^Package: libc6$/m)
      const all = readdirSync(image.root, { recursive: true, encoding: 'utf8' })
      expect(all.filter((path) => /(^|\/)(sh|bash|dash|npm|apt|perl)$/.test(path))).toEqual([])
    })

    it('says its version, and what is wrong where there is no configuration', async () => {
      expect(await image.run(['bearerd', 'version']).finished).toMatchObject({ code: 0, stderr: '' })
      const { code, stdout, stderr } = await image.run(['bearerd', 'serve'], { BEARERD_CONFIG: '/etc/bearerd/none.yaml' })
        .finished
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^[^\n]*\/etc\/bearerd\/none\.yaml[^\n]*\n$/)
    })

    it('finds names, those of /etc/hosts first', async () => {
      image.mount('/etc/hosts', '127.0.0.9 provider.internal\n')
      const lookup = "require('node:dns').lookup('provider.internal', (error, address) => console.log(error ?? address))"
      expect(await image.run(['node', '-e', lookup]).finished).toMatchObject({ code: 0, stdout: '127.0.0.9\n' })
    })

    it.each([
      { with: 'one process', more: '', signal: 'SIGTERM' as const },
      { with: 'two workers', more: 'workers: 2\n', signal: 'SIGTERM' as const },
      { with: 'one process, and Ctrl-C', more: '', signal: 'SIGINT' as const },
    ])(
      `serves as a user by number on a tree that can only be read, is healthy, and lets open requests finish: $with${ending}`,
      async ({ more, signal }) => {
        const simulator = await runningSimulator()
        const isAsked = Promise.withResolvers<void>()
        let finish = (): void => {}
        const slow = await httpServer((_request, response) => {
          response.writeHead(200).write('first ')
          finish = () => response.end('last')
          isAsked.resolve()
        })
        const ports = { gateway: await freePort(), admin: await freePort() }
        const config = demoConfig({ ...ports, simulatorUrl: simulator.url })
        image.mount(configPath, `${more}${config}  - {path: /slow, upstream: "${slow.url}"}\n`)
        const gateway = image.run(['bearerd', 'serve'])
        await gateway.untilOutput(/bearerd is serving/)

        const status = readFileSync(`/proc/${gateway.mainPid()}/status`, 'utf8')
        expect(status).toMatch(new RegExp(`^Uid:\\s+${imageUser}\\s+${imageUser}\\s`, 'm'))
        // Its number within its own namespace comes last.
        if (whyNotFirst === undefined) expect(status).toMatch(/^NSpid:.*\s1$/m)
        expect(readFileSync(`/proc/${gateway.mainPid()}/cmdline`, 'utf8').split('\0')[0]).toBe('node')
        expect((await fetch(`http://127.0.0.1:${ports.gateway}/uber/v1/business/echo`)).status).toBe(200)
        expect(await image.run(['bearerd', 'healthcheck']).finished).toMatchObject({ code: 0, stderr: '' })

        const answer = fetch(`http://127.0.0.1:${ports.gateway}/slow`).then(async (response) => await response.text())
        await isAsked.promise
        process.kill(gateway.mainPid(), signal)
        await gateway.untilOutput(/shutting down/)
        expect((await image.run(['bearerd', 'healthcheck']).finished).code).toBe(1)
        finish()
        expect(await answer).toBe('first last')
        expect(await gateway.finished).toMatchObject({ code: 0, signal: null, stderr: '' })
        const after = await image.run(['bearerd', 'healthcheck']).finished
        expect(after).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^bearerd: [^\n]+\n$/) as unknown })
      },
    )

    asFirst.each([
      { signal: 'SIGTERM' as const, code: 143 },
      { signal: 'SIGINT' as const, code: 130 },
    ])(`ends on $signal while a command waits, although it is process 1${ending}`, async ({ signal, code }) => {
      const isAsked = Promise.withResolvers<void>()
      const silent = await tcpServer((socket) => void socket.once('data', () => isAsked.resolve()))
      image.mount(configPath, demoConfig({ gateway: 0, admin: silent.port, simulatorUrl: silent.url }))
      const command = image.run(['bearerd', 'healthcheck'])
      await isAsked.promise
      process.kill(command.mainPid(), signal)
      expect((await command.finished).code).toBe(code)
    })
  },
)
