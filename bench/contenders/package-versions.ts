import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as Manifest

/** The version of bearerd. */
export function ownVersion(): string {
  return manifest.version
}

/** Packages with their versions, which package.json fixes. */
export function versionsOf(packages: readonly string[]): string {
  const versions = { ...manifest.dependencies, ...manifest.devDependencies }
  return packages.map((name) => `${name} ${versions[name]}`).join(', ')
}
