import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { scratch } from './cli-scratch.ts'

/** A self-signed certificate for localhost, as PEM, and the file that holds it. */
export interface Certificate {
  readonly key: string
  readonly cert: string
  readonly certFile: string
}

/** Whether certificates can be made here; where not, tests that need one are skipped, but never in CI. */
export const canMakeCertificates = process.env['CI'] === 'true' || spawnSync('openssl', ['version']).status === 0

/** Makes a certificate that is valid for a day; its files go when the test ends. */
export function certificate(): Certificate {
  const folder = scratch()
  const [keyFile, certFile] = [folder.path('key.pem'), folder.path('cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  execFileSync('openssl', ['req', '-x509', '-days', '1', '-out', certFile, ...newKey, ...subject], { stdio: 'ignore' })
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile }
}
