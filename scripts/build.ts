/**
 * Makes what is shipped: `dist/lib`, everything that runs as few files of JavaScript, because Node.js does not run the TypeScript of
 * an installed package, and because 400 files cost a sidecar half of its start; and the licences and the bill of materials of
 * what is in there.
 * `npm run build`; `npm pack` calls it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import type { Plugin } from 'rolldown'
import { billOfMaterials } from './bill-of-materials.ts'
import type { LockFile, Product } from './bill-of-materials.ts'
import { bundledPackages } from './bundled-packages.ts'
import type { BundledPackage } from './bundled-packages.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'dist')

/** The parser that we import is a module that is nothing but bytes, of which the bundler would make an export each. */
const parserBytes: Plugin = {
  name: 'parser-bytes',
  // By its path, so that what is bundled says which package it is from.
  resolveId: (id, importer) =>
    id.endsWith('-wasm.js') && importer?.startsWith(join(root, 'src')) ? `\0${createRequire(importer).resolve(id)}` : undefined,
  load: (id) => {
    if (!id.startsWith('\0') || !id.endsWith('-wasm.js')) return undefined
    const bytes = createRequire(import.meta.url)(id.slice(1)) as Buffer
    return `export default Buffer.from('${bytes.toString('base64')}', 'base64')`
  },
}

rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({
  input: join(root, 'src/main.ts'),
  platform: 'node',
  cwd: root,
  plugins: [parserBytes],
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message)
  },
})
// Two levels down, so that what is looked up from src/ is found from here.
const { output } = await bundle.write({ dir: join(folder, 'lib'), format: 'esm', minify: { mangle: false } })
await bundle.close()

const modules = output.flatMap((file) => (file.type === 'chunk' ? Object.keys(file.modules) : []))
const packages = bundledPackages(modules)
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), packages.map(licenceOf).join(`\n\n${'-'.repeat(80)}\n\n`))
const bill = billOfMaterials(
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Product,
  packages,
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile,
)
writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`)
console.log(`${output.length} files of ${modules.length} modules, ${packages.length} packages`)

function licenceOf({ name, version, license, licenseText }: BundledPackage): string {
  return `${name} ${version} (${license})\n\n${licenseText ?? ''}\n`
}
