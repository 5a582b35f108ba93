import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './command.ts'

/** The version of this package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
  return manifest.version
}

/** `bearerd version` */
export const version: Command = {
  name: 'version',
  usage: 'bearerd version',
  options: {},
  run: async ({ stdout }) => {
    stdout(`bearerd ${packageVersion()} (Node.js ${process.version})`)
    return 0
  },
}
