import { join } from 'node:path'
import { startProgram } from '../machine/program.ts'
import { freePort, untilListening } from '../machine/ports.ts'
import { versionsOf } from './package-versions.ts'
import type { Contender } from './contender.ts'
import type { NodeSetting } from './node/setting.ts'

/** Makes a contender of a program in `node/` with these packages, run by the same Node.js as bearerd. */
export function nodeProgram(name: string, packages: readonly string[], about: string): Contender {
  return {
    name,
    about,
    version: () => versionsOf(packages),
    start: async ({ upstream, authorization, folder, core, nodeFlags = [] }) => {
      const port = await freePort()
      const setting: NodeSetting = { port, upstream: upstream.origin, ca: upstream.ca, authorization }
      const program = startProgram({
        command: process.execPath,
        args: [...nodeFlags, join(import.meta.dirname, 'node', `${name}.ts`), JSON.stringify(setting)],
        core,
        log: join(folder, `${name}.log`),
        isQuiet: true,
      })
      await untilListening(program, port)
      return { name, base: `http://127.0.0.1:${port}`, fields: {}, pid: program.pid, stop: program.stop }
    },
  }
}
