import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { projectRoot, start } from './cli-process.ts'
import type { Started } from './cli-process.ts'
import { contextNames, dockerfileText, pairsOf, stagesOf, valuesOf } from './dockerfile.ts'
import { ownEnv } from './packed.ts'

const [build = noStage(), image = noStage()] = stagesOf(dockerfileText)

/** The user that the image runs as. */
export const imageUser = Number(valuesOf(image, 'USER')[0]?.split(':')[0])

/** Why what is in the image cannot be run as it will be; undefined where it can. It takes the rights to change the root and the user. */
export const whyNotRun =
  process.platform !== 'linux' || !existsSync('/usr/bin/dpkg-query')
    ? 'skipped: needs a Debian, as the image that it is built in'
    : process.getuid?.() === 0
      ? undefined
      : 'skipped: needs to be root'

/** Why it cannot be process 1; undefined where it can. */
export const whyNotFirst =
  whyNotRun ??
  (spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0
    ? undefined
    : 'skipped: this machine allows no PID namespaces')

/** What the steps of the Dockerfile made. */
export interface BuiltImage {
  /** What will be `/`. */
  readonly root: string
  /** Puts a file there, as a mount would: readable for all. */
  mount(path: string, text: string): void
  /** Runs a command in it as the image's user, with its environment and nothing else; as process 1 where that is possible. */
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Started & {
    /** The process itself, as the machine sees it. */
    mainPid(): number
  }
  remove(): void
}

/** Runs the steps of the Dockerfile's first stage in an empty folder, the way they stand there; what results can then only be read. */
export function buildImage(): BuiltImage {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-image-'))
  // Everybody may look into the root of an image.
  chmodSync(folder, 0o755)
  const work = join(folder, 'build')
  mkdirSync(work)
  for (const { keyword, value } of build.instructions) step(keyword, value, work)
  const root = join(work, 'image')
  execFileSync('chmod', ['-R', 'a-w', root])
  // What every engine adds.
  for (const mountPoint of ['proc', 'dev']) mkdirSync(join(root, mountPoint))
  writeFileSync(join(root, 'dev/null'), '')
  chmodSync(join(root, 'dev/null'), 0o666)
  return {
    root,
    mount: (path, text) => writeFileSync(join(root, path), text, { mode: 0o444 }),
    run: (args, env = {}) => {
      const asUser = [programOf('chroot'), `--userspec=${imageUser}:${imageUser}`, '--groups=', root]
      const asFirst = [programOf('unshare'), '--pid', '--fork', '--kill-child', `--mount-proc=${root}/proc`]
      const command = whyNotFirst === undefined ? [...asFirst, ...asUser] : asUser
      const started = start(args, { command, cwd: '/', env: { ...pairsOf(valuesOf(image, 'ENV')), HOME: '/', ...env } })
      return { ...started, mainPid: () => (whyNotFirst === undefined ? childOf(started.pid) : started.pid) }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function step(keyword: string, value: string, work: string): void {
  if (keyword === 'RUN') {
    // The image's own Node.js comes first; npm is the machine's, and need not load what it has loaded before.
    const node = dirname(realpathSync(join(projectRoot, 'node_modules/node/bin/node')))
    const PATH = [node, process.env['PATH']].join(delimiter)
    const env = { ...ownEnv(), PATH, npm_config_prefer_offline: 'true' }
    execFileSync('/bin/sh', ['-c', value], { cwd: work, env, stdio: 'pipe' })
  } else if (keyword === 'COPY') {
    const names = value.split(' ').slice(0, -1)
    for (const name of names[0] === '.' ? contextNames : names)
      cpSync(join(projectRoot, name), join(work, name), { recursive: true })
  } else if (keyword !== 'WORKDIR') throw new Error(`the test cannot do ${keyword}`)
}

/** Its whole path: the environment of the image names none where these are. */
function programOf(name: string): string {
  return ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map((folder) => join(folder, name)).find(existsSync) ?? name
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

function noStage(): never {
  throw new Error('the Dockerfile has two stages')
}
