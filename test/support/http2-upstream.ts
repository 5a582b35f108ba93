import { createSecureServer } from 'node:http2'
import type {
  IncomingHttpHeaders,
  Http2SecureServer,
  SecureServerOptions,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { pemOf } from './certificates.ts'
import type { CertificateFiles } from './certificates.ts'

/** An upstream that speaks HTTP/2 on loopback. */
export interface Http2Upstream {
  readonly server: Http2SecureServer
  readonly port: number
  /** `https://NAME:PORT` */
  url(name?: string): string
  /** Sessions of HTTP/2, in order. */
  readonly sessions: ServerHttp2Session[]
  /** Fields of the requests, in order. */
  readonly heads: (readonly string[])[]
  /** Codes of the streams that are closed, in order. */
  readonly resets: number[]
  connections(): number
  openConnections(): number
}

/** What it does with a request. @param raw name, value, name, value, ... as received */
export type Http2Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]) => void

/** Starts one; requests of HTTP/1.1, where it allows them, go to `http1`. */
export async function http2Upstream(
  files: CertificateFiles,
  answer: Http2Answer,
  options: SecureServerOptions & { http1?: (request: IncomingMessage, response: ServerResponse) => void } = {},
): Promise<Http2Upstream> {
  const { http1, ...rest } = options
  const server = createSecureServer({ cert: pemOf(files.cert), key: pemOf(files.key), allowHTTP1: http1 !== undefined, ...rest })
  const sessions: ServerHttp2Session[] = []
  const heads: (readonly string[])[] = []
  const resets: number[] = []
  const open = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: readonly string[]) => {
    heads.push(raw)
    stream.on('error', () => {})
    stream.on('close', () => resets.push(stream.rstCode ?? 0))
    answer(stream, headers, raw)
  })
  if (http1 !== undefined)
    server.on('request', (request, response) => {
      if (request.httpVersionMajor === 1) http1(request as unknown as IncomingMessage, response as unknown as ServerResponse)
    })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    url: (name = 'localhost') => `https://${name}:${port}`,
    sessions,
    heads,
    resets,
    connections: () => accepted,
    openConnections: () => open.size,
  }
}

/** Reads the body of a request whole. */
export async function bodyOf(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
