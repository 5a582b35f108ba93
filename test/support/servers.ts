import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server on a port of its own; closed, with all its connections, when the test ends. */
export interface TestServer {
  readonly url: string
  readonly port: number
  /** Connections accepted so far. */
  connections(): number
  /** Connections open now. */
  openConnections(): number
}

/** An HTTP server on loopback. */
export async function httpServer(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<TestServer & { readonly server: ReturnType<typeof createHttpServer> }> {
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => void listener(request, response))
  const tracked = await listenTracked(server)
  return { ...tracked, server }
}

/** A bare TCP server on loopback, for upstreams that do what no HTTP library would. */
export async function tcpServer(onConnection: (socket: Socket) => void): Promise<TestServer> {
  return listenTracked(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      onConnection(socket)
    }),
  )
}

async function listenTracked(server: ReturnType<typeof createTcpServer>): Promise<TestServer> {
  const open = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  onTestFinished(async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${port}`, port, connections: () => accepted, openConnections: () => open.size }
}

/** Reads a request's body whole. */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}

/** What came back on a bare connection. */
export interface RawAnswer {
  /** Everything received, as latin1: one character per byte. */
  readonly text: string
  readonly status: number
  readonly head: string
  readonly body: string
  /**
   * How the connection ended: the other side closed it cleanly, broke it off, or it was still open when `until` was satisfied.
   */
  readonly end: 'closed' | 'reset' | 'open'
}

/**
 * Sends bytes on a bare connection, as they are, and collects what comes back.
 * @param until ends the waiting; by default the connection has to be closed by the other side
 */
export function sendRaw(port: number, bytes: string | Buffer, until?: (text: string) => boolean): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const finish = (end: RawAnswer['end']): void => {
      socket.destroy()
      const [head = '', ...rest] = text.split('\r\n\r\n')
      resolve({ text, head, body: rest.join('\r\n\r\n'), status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), end })
    }
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (until?.(text) === true) finish('open')
    })
    socket.on('end', () => finish('closed'))
    socket.on('error', () => finish('reset'))
  })
}
