/**
 * Makes what is shipped: `dist/lib`, everything that runs as few files of JavaScript, because Node.js does not run the TypeScript of
 * an installed package, and because 400 files cost a sidecar half of its start; and the licences of what is in there.
 * `npm run build`; `npm pack` calls it.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { rolldown } from 'rolldown'
import type { Plugin } from 'rolldown'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'dist')

/** The parser that we import is a module that is nothing but bytes, of which the bundler would make an export each. */
const parserBytes: Plugin = {
  name: 'parser-bytes',
  resolveId: (id, importer) => (id.endsWith('-wasm.js') && importer?.startsWith(join(root, 'src')) ? `\0${id}` : undefined),
  load: (id) => {
    if (!id.startsWith('\0undici/')) return undefined
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
const packages = [...new Set(modules.map(packageOf).filter((name) => name !== undefined))].sort()
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), packages.map(licenceOf).join(`\n\n${'-'.repeat(80)}\n\n`))
console.log(`${output.length} files of ${modules.length} modules, ${packages.length} packages`)

function packageOf(path: string): string | undefined {
  const [, inside] = path.split(`${sep}node_modules${sep}`)
  if (inside === undefined) return undefined
  const [first = '', second = ''] = inside.split(sep)
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** @throws Error for a package that does not say under which terms it may be passed on */
function licenceOf(name: string): string {
  const at = join(root, 'node_modules', name)
  const { version, license } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { version: string; license?: string }
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'License.md']
    .map((each) => join(at, each))
    .find(existsSync)
  if (license === undefined && file === undefined) throw new Error(`${name} has no licence`)
  return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(file, 'utf8').trim()}\n`
}
