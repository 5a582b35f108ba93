import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram } from '../machine/program.ts'
import { freePort, untilListening } from '../machine/ports.ts'
import type { Contender, Setting } from './contender.ts'

/** A proxy from the system's packages. */
export interface PackagedProgram {
  readonly command: string
  /** How it tells its version. */
  readonly versionArgs: readonly string[]
  readonly about: string
  /** The text of its configuration. */
  readonly config: (setting: Setting, port: number) => string
  /** How it is started with that file, in the foreground. */
  readonly args: (configFile: string) => readonly string[]
}

/** Makes a contender of it; it is missing where the program is. */
export function packagedProgram({ command, versionArgs, about, config, args }: PackagedProgram): Contender {
  return {
    name: command,
    about,
    version: () => {
      const { error, stdout, stderr } = spawnSync(command, versionArgs, { encoding: 'utf8' })
      return error === undefined ? (/\d+\.\d+(\.\d+)*/.exec(stdout + stderr)?.[0] ?? '') : undefined
    },
    start: async (setting) => {
      const port = await freePort()
      const file = join(setting.folder, `${command}.conf`)
      writeFileSync(file, config(setting, port))
      const program = startProgram({
        command,
        args: args(file),
        core: setting.core,
        log: join(setting.folder, `${command}.log`),
        env: { HOME: setting.folder, XDG_DATA_HOME: setting.folder, XDG_CONFIG_HOME: setting.folder },
        isQuiet: true,
      })
      await untilListening(program, port)
      return { name: command, base: `http://127.0.0.1:${port}`, fields: {}, pid: program.pid, stop: program.stop }
    },
  }
}
