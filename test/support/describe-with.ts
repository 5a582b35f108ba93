import { spawnSync } from 'node:child_process'
import { describe } from 'vitest'

/** Groups tests, as `describe` does. */
export type Describe = (name: string, tests: () => void) => void

/**
 * Groups tests that need a program of the machine; where it is missing they are skipped and say so, but never in CI.
 * @param versionArgs with which it says its version, and ends with 0
 */
export function describeWithProgram(program: string, ...versionArgs: readonly string[]): Describe {
  const isThere = process.env['CI'] === 'true' || spawnSync(program, versionArgs, { stdio: 'ignore' }).status === 0
  return describeIf(isThere, `${program} is not installed`)
}

/** Groups tests that are skipped, and say why, where something is missing. */
export function describeIf(isThere: boolean, whyNot: string): Describe {
  return isThere ? describe : (name, tests) => describe.skip(`${name} (skipped: ${whyNot})`, tests)
}
