import type { BundledPackage } from './bundled-packages.ts'

/** What the package says of itself. */
export interface Product {
  readonly name: string
  readonly version: string
  readonly license: string
}

/** What package-lock.json says of what was installed, by path. */
export interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>
}

/**
 * Writes down what is in the bundle, for those who look for known vulnerabilities: CycloneDX 1.6. The same bundle makes the same text.
 * @param lock has the digests of the packages' archives
 * @throws Error for a package that is not in the lock file: what was built is not what the lock file says
 */
export function billOfMaterials(
  { name, version, license }: Product,
  packages: readonly BundledPackage[],
  lock: LockFile,
): object {
  const own = packageUrl(name, version)
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: { type: 'application', 'bom-ref': own, name, version, ...licenses(license), purl: own },
    },
    components: packages.map((each) => component(each, digestOf(each, lock))),
    // What needs what within the bundle is not said: it is one program.
    compositions: [{ aggregate: 'complete', assemblies: [own] }],
    dependencies: [{ ref: own, dependsOn: packages.map((each) => packageUrl(each.name, each.version)) }],
  }
}

function component({ name, version, license }: BundledPackage, digest: string): object {
  const [, group, plain = name] = /^(@[^/]+)\/(.+)$/.exec(name) ?? []
  return {
    type: 'library',
    'bom-ref': packageUrl(name, version),
    ...(group !== undefined && { group }),
    name: plain,
    version,
    scope: 'required',
    hashes: [{ alg: 'SHA-512', content: digest }],
    ...licenses(license),
    purl: packageUrl(name, version),
  }
}

/** Package URL of type npm: the `@` of a scope is escaped. */
function packageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

/** One licence goes by its SPDX identifier, several by their expression. */
function licenses(license: string | undefined): object {
  if (license === undefined) return {}
  return { licenses: [/[ (]/.test(license) ? { expression: license } : { license: { id: license } }] }
}

function digestOf({ place, name, version }: BundledPackage, { packages }: LockFile): string {
  const locked = packages[place]
  const [, base64] = /^sha512-(\S+)$/.exec(locked?.integrity ?? '') ?? []
  if (locked?.version !== version || base64 === undefined)
    throw new Error(`${name} ${version} is not what package-lock.json has; run npm ci`)
  return Buffer.from(base64, 'base64').toString('hex')
}
