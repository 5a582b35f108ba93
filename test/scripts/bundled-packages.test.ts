import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { billOfMaterials } from '../../scripts/bill-of-materials.ts'
import { bundledPackages } from '../../scripts/bundled-packages.ts'
import { scratch } from '../support/cli-scratch.ts'

const product = { name: 'program', version: '1.0.0', license: 'MIT' }

/** Installs packages in a folder. @returns the path of a module in one */
function installed(places: Readonly<Record<string, object>>): (place: string) => string {
  const { folder } = scratch()
  for (const [place, manifest] of Object.entries(places)) {
    mkdirSync(join(folder, place), { recursive: true })
    writeFileSync(join(folder, place, 'package.json'), JSON.stringify(manifest))
  }
  return (place) => join(folder, place, 'lib/a.js')
}

describe('what is in the bundle', () => {
  it('is named by the innermost package, once for each version, with its scope', () => {
    const moduleIn = installed({
      'node_modules/outer': { name: 'outer', version: '2.0.0', license: 'MIT' },
      'node_modules/outer/node_modules/inner': { name: 'inner', version: '1.0.0', license: 'ISC' },
      'node_modules/inner': { name: 'inner', version: '3.0.0', license: 'ISC' },
      'node_modules/third/node_modules/inner': { name: 'inner', version: '1.0.0', license: 'ISC' },
      'node_modules/@scope/name': { name: '@scope/name', version: '1.0.0', license: '(MIT OR Apache-2.0)' },
    })
    const found = bundledPackages([
      moduleIn('src'),
      moduleIn('node_modules/outer'),
      moduleIn('node_modules/outer/node_modules/inner'),
      moduleIn('node_modules/third/node_modules/inner'),
      `\0${moduleIn('node_modules/inner')}`,
      moduleIn('node_modules/@scope/name'),
      'rolldown/runtime.js',
    ])
    expect(found.map(({ name, version }) => `${name} ${version}`)).toEqual([
      '@scope/name 1.0.0',
      'inner 1.0.0',
      'inner 3.0.0',
      'outer 2.0.0',
    ])
  })

  it('is refused without a licence', () => {
    const moduleIn = installed({ 'node_modules/odd': { name: 'odd', version: '1.0.0' } })
    expect(() => bundledPackages([moduleIn('node_modules/odd')])).toThrow('odd has no licence')
  })

  it('is listed with the digest of the lock file, and refused when that has another version', () => {
    const moduleIn = installed({ 'node_modules/@a/b': { name: '@a/b', version: '1.0.0', license: '(MIT OR Apache-2.0)' } })
    const packages = bundledPackages([moduleIn('node_modules/@a/b')])
    const lock = (version: string) => ({ packages: { 'node_modules/@a/b': { version, integrity: 'sha512-AAEC' } } })
    expect(billOfMaterials(product, packages, lock('1.0.0'))).toMatchObject({
      bomFormat: 'CycloneDX',
      components: [
        {
          group: '@a',
          name: 'b',
          purl: 'pkg:npm/%40a/b@1.0.0',
          hashes: [{ alg: 'SHA-512', content: '000102' }],
          licenses: [{ expression: '(MIT OR Apache-2.0)' }],
        },
      ],
      dependencies: [{ ref: 'pkg:npm/program@1.0.0', dependsOn: ['pkg:npm/%40a/b@1.0.0'] }],
    })
    expect(() => billOfMaterials(product, packages, lock('1.0.1'))).toThrow('@a/b 1.0.0 is not what package-lock.json has')
  })
})
