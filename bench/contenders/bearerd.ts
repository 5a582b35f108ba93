import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startProgram } from '../machine/program.ts'
import { freePort, untilListening } from '../machine/ports.ts'
import { builtProgram } from './built-package.ts'
import { ownVersion } from './package-versions.ts'
import type { Contender } from './contender.ts'

/** bearerd as shipped. */
export const bearerd: Contender = {
  name: 'bearerd',
  about: 'as shipped: the built package, token from a token endpoint, metrics, access log to a file',
  version: ownVersion,
  start: async ({ upstream, tokenEndpoint, folder, core, nodeFlags = [] }) => {
    const [port, adminPort] = [await freePort(), await freePort()]
    const file = join(folder, 'proxy.config.yaml')
    const config = {
      listen: `127.0.0.1:${port}`,
      admin: { listen: `127.0.0.1:${adminPort}` },
      credentials: { api: { token_endpoint: tokenEndpoint, client_id: 'bench', client_secret: 'bench-client-secret' } },
      routes: [
        {
          path: '/api',
          upstream: upstream.origin,
          credential: 'api',
          ...(upstream.ca !== undefined && { tls: { ca: upstream.ca } }),
        },
      ],
    }
    writeFileSync(file, stringify(config))
    const program = startProgram({
      command: process.execPath,
      args: [...nodeFlags, builtProgram(), 'serve', '--config', file],
      core,
      log: join(folder, 'bearerd.log'),
      isQuiet: true,
    })
    await untilListening(program, port)
    return { name: 'bearerd', base: `http://127.0.0.1:${port}/api`, fields: {}, pid: program.pid, stop: program.stop }
  },
}
