import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

let program: string | undefined

/**
 * bearerd as it is shipped: built, and with nothing around it but what the package holds. Built once, removed at the end of the process.
 * @returns the path of the program
 */
export function builtProgram(): string {
  if (program !== undefined) return program
  execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { stdio: 'pipe' })
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-package-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const part of ['bin', 'dist', 'providers', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  program = join(folder, 'bin/bearerd.js')
  return program
}
