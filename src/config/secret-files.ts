import type { Config } from './config.ts'
import { formatPath } from './problem.ts'
import { Secret } from './secret.ts'

/** A file that a configuration names for a secret or for certificates. */
export interface NamedFile {
  readonly file: string
  /** The key that names it. */
  readonly path: string
  /** Certificates are for everybody. */
  readonly isSecret: boolean
}

const publicKeys: ReadonlySet<string> = new Set(['ca', 'cert', 'client_ca'])

/** The files that secrets and certificates of a configuration are read from, each once, in the order of the configuration. */
export function secretFilesOf(config: Config): readonly NamedFile[] {
  const byFile = new Map<string, NamedFile>()
  for (const named of filesIn(config, [])) {
    const known = byFile.get(named.file)
    // One that is used as both is a secret.
    if (known === undefined || (named.isSecret && !known.isSecret)) byFile.set(named.file, named)
  }
  return [...byFile.values()]
}

function* filesIn(value: unknown, path: readonly PropertyKey[]): Iterable<NamedFile> {
  if (value instanceof Secret) {
    if (value.file !== undefined)
      yield { file: value.file, path: formatPath(path), isSecret: !publicKeys.has(String(path.at(-1))) }
  } else if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) yield* filesIn(inner, [...path, index])
  } else if (isMap(value)) {
    for (const [key, inner] of value) yield* filesIn(inner, [...path, key])
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* filesIn(inner, [...path, key])
  }
}

function isMap(value: unknown): value is ReadonlyMap<string, unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && 'keys' in value
}
