import { chmodSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Server } from 'node:net'
import type { SocketFile } from '../../config/schema/listen.ts'

/**
 * Listens on a unix socket. Nobody can connect before its permissions are set; the platform removes the file when the server
 * closes.
 * @throws the system's error when the path cannot be used; EEXIST when something else than a socket has it
 */
export async function listenOnFile(server: Server, { path, mode }: SocketFile): Promise<void> {
  await removeStale(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The file is made within this call, for its owner only.
    const before = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.off('error', reject)
        try {
          chmodSync(path, mode)
          resolve()
        } catch (error) {
          server.close()
          reject(error instanceof Error ? error : new Error('chmod failed'))
        }
      })
    } finally {
      process.umask(before)
    }
  })
}

/** A process that was killed leaves its socket behind, on which nobody listens any more. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw Object.assign(new Error(`${path} is no socket`), { code: 'EEXIST' })
  if (await isInUse(path)) throw Object.assign(new Error(`somebody listens on ${path}`), { code: 'EADDRINUSE' })
  await unlink(path)
}

function isInUse(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Anything but a plain refusal (no permission, too many waiting) does not say that nobody is there.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'))
  })
}
