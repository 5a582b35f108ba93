import type { Socket } from 'node:net'

/**
 * Keeps a connection readable after a write to it has failed. An upstream may answer early, for instance 401 to an upload, and close
 * at once: then the next write fails while the answer waits in the system's buffer, and the platform, which destroys the socket,
 * would throw the answer away (nodejs/node#54366).
 * @param onFailed told instead, of the first; the connection has to be destroyed by whoever is told
 */
export function readOnAfterFailedWrite(socket: Socket, onFailed: (error: Error) => void): void {
  const destroy = socket.destroy.bind(socket)
  let hasFailed = false
  socket.destroy = (error?: Error) => {
    if (error === undefined || !isOfWriting(error)) return destroy(error)
    if (!hasFailed) {
      hasFailed = true
      onFailed(error)
    }
    return socket
  }
}

function isOfWriting(error: Error): boolean {
  return 'syscall' in error && error.syscall === 'write'
}
