import type { Config, Credential } from '../config/config.ts'
import { suggest } from '../config/problem.ts'
import { UsageError } from './command.ts'

/** The credential that was named on the command line. @throws UsageError when there is none of that name */
export function namedCredential({ credentials, file }: Config, name: string): Credential {
  const credential = credentials.get(name)
  if (credential !== undefined) return credential
  throw new UsageError(`there is no credential ${JSON.stringify(name)} in ${file}; ${suggest(name, [...credentials.keys()])}`)
}
