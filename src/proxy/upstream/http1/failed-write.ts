import type { Socket } from 'node:net'

type Written = (error?: Error | null) => void

/**
 * Keeps a connection readable after a write to it has failed. An upstream may answer early, for instance 401 to an upload, and close
 * at once: then the next write fails while the answer waits in the system's buffer, and the platform, which destroys the socket,
 * would throw the answer away (nodejs/node#54366). So it is not told: for it, the write goes on for ever.
 * @param onFailed told instead; the connection has to be destroyed by whoever is told
 */
export function readOnAfterFailedWrite(socket: Socket, onFailed: (error: Error) => void): void {
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  // A stream writes one thing at a time.
  let tell: Written = () => {}
  const onWritten: Written = (error) => {
    if (error instanceof Error && 'syscall' in error && error.syscall === 'write') onFailed(error)
    else tell(error)
  }
  socket._write = (piece, encoding, callback) => {
    tell = callback
    write(piece, encoding, onWritten)
  }
  if (writev === undefined) return
  socket._writev = (pieces, callback) => {
    tell = callback
    writev(pieces, onWritten)
  }
}
