import { stringify } from 'yaml'
import { expect } from 'vitest'
import { runHere } from './cli-process.ts'
import { scratch } from './cli-scratch.ts'

/** One check, as `--json` says it. */
export interface CheckRow {
  readonly of: 'gateway' | 'credential' | 'route'
  readonly names: readonly string[]
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed' | 'skipped'
  readonly message: string
  readonly remedy: string | null
  readonly facts: Readonly<Record<string, unknown>>
}

/** What a run of the doctor came to. */
export interface DoctorRun {
  readonly code: number | null
  readonly stderr: string
  readonly rows: readonly CheckRow[]
  readonly counts: Readonly<Record<string, number>>
  /** Everything that was written. */
  readonly output: string
  /** The check of that name of the credential or route. */
  row(check: string, of?: string): CheckRow | undefined
}

/** Writes a configuration that takes no port that others may have. @returns its path */
export function doctorFile(config: object): string {
  return scratch().write('c.yaml', stringify({ listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, ...config }))
}

/** Runs `bearerd doctor --json` on a configuration. Whatever is not in order has to come with a remedy. */
export async function runDoctor(config: object | string, ...args: readonly string[]): Promise<DoctorRun> {
  const file = typeof config === 'string' ? config : doctorFile(config)
  const { code, stdout, stderr } = await runHere(['doctor', '-c', file, '--json', ...args])
  const { checks, counts } = JSON.parse(stdout) as { checks: readonly CheckRow[]; counts: Record<string, number> }
  for (const row of checks)
    if (row.status !== 'ok') expect(row, row.message).toMatchObject({ remedy: expect.stringMatching(/^\S/) as string })
  const row: DoctorRun['row'] = (check, of) =>
    checks.find((candidate) => candidate.check === check && (of === undefined || candidate.names.includes(of)))
  return { code, stderr, rows: checks, counts, output: `${stdout}${stderr}`, row }
}
