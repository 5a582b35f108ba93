import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'vitest'
import { projectRoot } from './cli-process.ts'

/** The path of a file of examples/. */
export function examplePath(file: string): string {
  return join(projectRoot, 'examples', file)
}

/**
 * The text of a file of examples/, with the places of the machine that it is for replaced by those of a test.
 * @throws Error for a place that the file does not name
 */
export function exampleText(file: string, places: Readonly<Record<string, string>> = {}): string {
  return Object.entries(places).reduce(
    (text, [written, used]) => {
      if (!text.includes(written)) throw new Error(`${file} does not name ${written}`)
      return text.replaceAll(written, used)
    },
    readFileSync(examplePath(file), 'utf8'),
  )
}

/** A test that needs a program; where there is none it is skipped and says so, but never in CI when `.ci/run` installs it. */
export function itWith(program: string, isInstalledInCi = true): (name: string, test: () => unknown) => void {
  const isThere = spawnSync(program, ['--version']).error === undefined
  if (isThere || (isInstalledInCi && process.env['CI'] === 'true')) return (name, test) => it(name, { timeout: 60_000 }, test)
  return (name, test) => it.skip(`${name} (skipped: ${program} is not installed)`, test)
}
