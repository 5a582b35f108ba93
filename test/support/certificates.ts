import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Whether certificates can be made here; where not, tests that need one are skipped, but never in CI. */
export const hasOpenssl = process.env['CI'] === 'true' || spawnSync('openssl', ['version']).status === 0

/** A certificate with its private key, as paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/**
 * An authority that issues certificates for this test, for so many days from now (less than 0: they have expired); its files are removed
 * when the test ends.
 * @param options for how many days it is good itself
 */
export function certificateAuthority({ days: ownDays = 2 } = {}): CertificateFiles & {
  issue(name: string, names?: string, days?: number): CertificateFiles
} {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-certificates-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const openssl = (...args: readonly string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const keyArguments = (name: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ]
  const files = (name: string): CertificateFiles => ({ cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) })
  openssl('req', '-x509', ...keyArguments('ca'), '-out', 'ca.pem', '-days', String(ownDays), '-subj', '/CN=test authority')
  return {
    ...files('ca'),
    issue: (name, names = 'IP:127.0.0.1,DNS:localhost', days = 2) => {
      openssl('req', '-new', ...keyArguments(name), '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\n`)
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-out',
        `${name}.pem`,
        '-days',
        String(days),
        '-extfile',
        `${name}.ext`,
      )
      return files(name)
    },
  }
}

/** Reads a PEM file. */
export function pemOf(path: string): string {
  return readFileSync(path, 'utf8')
}
