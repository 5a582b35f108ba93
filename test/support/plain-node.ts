import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** The PATH of a user, without the programs that a checkout brings. */
const usersPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes(join('node_modules', '.bin')) && !folder.includes('node-gyp-bin'))

/** A Node.js that did not come with the checkout. */
export interface PlainNode {
  readonly path: string
  readonly major: number
}

/** The one of the environment variable NODE_24, else the machine's own; undefined where it has none. */
export function plainNode(): PlainNode | undefined {
  return nodeAt(process.env['NODE_24']) ?? machinesNode()
}

/** The machine's own. */
export function machinesNode(): PlainNode | undefined {
  return usersPath.map((folder) => nodeAt(join(folder, 'node'))).find((found) => found !== undefined)
}

/** A PATH on which this Node.js comes first, and nothing of the checkout is. */
export function pathWith(folder: string): string {
  return [folder, ...usersPath].join(delimiter)
}

function nodeAt(path: string | undefined): PlainNode | undefined {
  if (path === undefined) return undefined
  const [, major] = /^v(\d+)\./.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? []
  return major === undefined ? undefined : { path, major: Number(major) }
}
