import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of the simulator: limits that let long tokens and slow clients through. */
export function createPatientServer(listener: RequestListener): Server {
  return createServer(
    {
      // Access tokens have no documented greatest length; Node's own limit is 16 KiB for all fields together.
      maxHeaderSize: 128 * 1024,
      // A client may take its time with a body, and keeps its connections for longer than Node's 5 seconds.
      requestTimeout: 0,
      keepAliveTimeout: 60_000,
    },
    listener,
  )
}

/** Listens; returns the base URL. @throws when the port is taken. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096 }, resolve)
  })
  const { port: listening } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${listening}`
}

/** Stops listening and destroys every open connection. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
