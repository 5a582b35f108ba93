import { existsSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

/** A package of which something is in the bundle. */
export interface BundledPackage {
  /** Where it is installed, as package-lock.json calls it: `node_modules/NAME`, perhaps within another. */
  readonly place: string
  readonly name: string
  readonly version: string
  /** The SPDX expression of its package.json. */
  readonly license: string | undefined
  /** The text that has to be passed on. */
  readonly licenseText: string | undefined
}

/**
 * The packages that modules are from, each once, by name.
 * @param modules what the bundler calls them: paths, and of its plugins `\0` and a path
 * @throws Error for a package that does not say under which terms it may be passed on
 */
export function bundledPackages(modules: readonly string[]): BundledPackage[] {
  const folders = new Set(modules.map(folderOf).filter((folder) => folder !== undefined))
  // The same version may be installed in several places.
  const packages = new Map([...folders].map(packageIn).map((each) => [`${each.name} ${each.version}`, each]))
  return [...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
}

/** The folder of its package: the innermost, because packages may hold others. */
function folderOf(module: string): string | undefined {
  const inside = `${sep}node_modules${sep}`
  const at = module.lastIndexOf(inside)
  if (at === -1) return undefined
  const start = at + inside.length
  const [first = '', second = ''] = module.slice(start).split(sep)
  return module.slice(0, start).replace(/^\0/, '') + (first.startsWith('@') ? join(first, second) : first)
}

function packageIn(folder: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'License.md']
    .map((each) => join(folder, each))
    .find(existsSync)
  if (license === undefined && file === undefined) throw new Error(`${name} has no licence`)
  const place = folder.slice(folder.indexOf(`${sep}node_modules${sep}`) + 1)
  return { place, name, version, license, licenseText: file === undefined ? undefined : readFileSync(file, 'utf8').trim() }
}
