import type { Socket } from 'node:net'
import { errorCode } from './error-code.ts'
import { isTlsAlert } from './tls-failure.ts'
import { withinTime } from './time-limit.ts'

/**
 * Waits for the other side to refuse a connection that looks established, as it does in TLS 1.3 when it does not like our certificate
 * or misses one (RFC 8446 4.4.2.4). Sends nothing, and ends the connection.
 * @param limitMs milliseconds
 * @returns the code of the alert; undefined where none comes
 */
export async function tlsAlertOf(socket: Socket, limitMs: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  socket
    .on('error', resolve)
    .on('close', () => resolve(undefined))
    .resume()
  try {
    const code = errorCode(await withinTime(promise, limitMs)) ?? ''
    return isTlsAlert(code) ? code : undefined
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}
