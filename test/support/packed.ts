import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from './cli-process.ts'

/** What `npm pack` makes. */
export interface Packed {
  /** The archive. */
  readonly archive: string
  /** Its content, unpacked. */
  readonly content: string
  remove(): void
}

/** Makes the package, as a release does. */
export function packed(): Packed {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-packed-'))
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: projectRoot, env: ownEnv(), stdio: 'pipe' })
  const [archive = ''] = readdirSync(folder)
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', folder])
  return {
    archive: join(folder, archive),
    content: join(folder, 'package'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The environment for another npm: the one that runs the tests must not tell it where it is. */
export function ownEnv(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
}
