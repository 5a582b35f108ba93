import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Makes an authority and its certificate for `localhost`. @returns undefined where there is no openssl */
export function createCertificates(folder: string): Certificates | undefined {
  const file = (name: string): string => join(folder, name)
  const keyOf = (name: string): string[] => [
    ...'-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout'.split(' '),
    file(name),
  ]
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const steps = [
    ['req', '-x509', ...keyOf('ca.key'), '-out', file('ca.pem'), '-days', '2', '-subj', '/CN=authority of the benchmark'],
    ['req', '-new', ...keyOf('upstream.key'), '-out', file('upstream.csr'), '-subj', '/CN=localhost'],
    ['x509', '-req', '-in', file('upstream.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'].concat([
      '-out',
      file('upstream.pem'),
      '-days',
      '2',
      '-extfile',
      file('names'),
    ]),
  ]
  const isDone = steps.every((step) => spawnSync('openssl', step, { stdio: 'ignore' }).status === 0)
  return isDone ? { ca: file('ca.pem'), cert: file('upstream.pem'), key: file('upstream.key') } : undefined
}
