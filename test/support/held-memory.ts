import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** So that a measurement shows what is held, not what has not been cleared away yet. */
export const collectGarbage = runInNewContext('gc') as () => void

/** What this process holds on to, in MiB, once the garbage is out: buffers outside the heap included. */
export function heldMiB(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 ** 2
}
