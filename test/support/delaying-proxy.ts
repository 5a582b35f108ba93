import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A way to a server on loopback that holds up each answer. */
export interface DelayingProxy {
  readonly port: number
  /** How long each piece of an answer is held up from now on. */
  delayMs: number
}

/** Starts one for a test. */
export async function delayingProxy(targetPort: number): Promise<DelayingProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((caller) => {
    const target = connect(targetPort, '127.0.0.1')
    for (const socket of [caller, target]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        caller.destroy()
        target.destroy()
      })
    }
    caller.on('data', (chunk) => target.write(chunk))
    target.on('data', (chunk) => setTimeout(() => caller.writable && caller.write(chunk), proxy.delayMs))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const proxy: DelayingProxy = { port: (server.address() as AddressInfo).port, delayMs: 0 }
  return proxy
}
