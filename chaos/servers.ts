import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A server on loopback. */
export interface ChaosServer {
  readonly url: string
  readonly port: number
  /** Connections open now. */
  open(): number
  close(): Promise<void>
}

/** A bare TCP server, for what no HTTP library would do. */
export async function tcpServer(onConnection: (socket: Socket) => void): Promise<ChaosServer> {
  return await listen(
    createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => {})
      onConnection(socket)
    }),
  )
}

/** An HTTP server that keeps its connections. */
export async function httpServer(onRequest: (request: IncomingMessage, response: ServerResponse) => void): Promise<ChaosServer> {
  return await listen(createHttpServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, onRequest))
}

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = await tcpServer(() => {})
  await server.close()
  return server.port
}

async function listen(server: Server): Promise<ChaosServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
