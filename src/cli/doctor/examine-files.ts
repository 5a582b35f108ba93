import { stat } from 'node:fs/promises'
import type { NamedFile } from '../../config/secret-files.ts'
import { errorCode } from '../../network/error-code.ts'
import type { Finding } from './finding.ts'

/**
 * Looks at the files that secrets and certificates are read from: they have been read a moment ago, or there would be no
 * configuration; here it is who else may read a secret, or change what is trusted.
 */
export async function examineFiles(files: readonly NamedFile[]): Promise<readonly Finding[]> {
  if (files.length === 0)
    return [{ check: 'files', verdict: 'ok', message: 'no secret is read from a file', facts: { files: [] } }]
  const findings = (await Promise.all(files.map(examineFile))).filter((finding) => finding !== undefined)
  if (findings.length > 0) return findings
  const names = files.map(({ file }) => file)
  const message = `${names.length === 1 ? '1 file' : `${names.length} files`} with secrets or certificates, readable, and closed to others`
  return [{ check: 'files', verdict: 'ok', message, facts: { files: names } }]
}

async function examineFile({ file, path, isSecret }: NamedFile): Promise<Finding | undefined> {
  const facts = { file, key: path }
  try {
    const { mode } = await stat(file)
    const shown = (mode & 0o777).toString(8).padStart(4, '0')
    if ((mode & 0o002) !== 0)
      return {
        check: 'files',
        verdict: 'warning',
        message: `${file} (${path}) may be changed by every user of this machine (${shown}); chmod o-w it`,
        facts,
      }
    if (isSecret && (mode & 0o004) !== 0)
      return {
        check: 'files',
        verdict: 'warning',
        message: `${file} (${path}) may be read by every user of this machine (${shown}); chmod o-r it, or in Kubernetes set defaultMode: 0440`,
        facts,
      }
    return undefined
  } catch (error) {
    const code = errorCode(error) ?? 'unreadable'
    return {
      check: 'files',
      verdict: 'failed',
      message: `${file} (${path}) cannot be looked at any more (${code}); put it back`,
      facts,
    }
  }
}
