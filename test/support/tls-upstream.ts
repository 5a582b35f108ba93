import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import { pemOf } from './certificates.ts'
import type { CertificateFiles } from './certificates.ts'

/** An upstream with TLS on loopback. */
export interface TlsUpstream {
  readonly port: number
  /** `https://NAME:PORT` */
  url(name?: string): string
  connections(): number
  openConnections(): number
  /** Shows another certificate from now on. */
  use(files: CertificateFiles): void
}

/** How it differs from a usual one. */
export interface TlsUpstreamOptions {
  /** Wants a certificate of this authority. */
  readonly clientCa?: string
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void
}

/** Starts one. By default it answers with the name that was asked for (SNI) and the name on the client certificate. */
export async function tlsUpstream(files: CertificateFiles, { clientCa, answer }: TlsUpstreamOptions = {}): Promise<TlsUpstream> {
  const material = ({ cert, key }: CertificateFiles) => ({ cert: pemOf(cert), key: pemOf(key) })
  const server = createServer(
    { ...material(files), keepAliveTimeout: 60_000, ...(clientCa !== undefined && { ca: pemOf(clientCa), requestCert: true }) },
    answer ??
      (({ socket }, response) => {
        const { servername } = socket as TLSSocket & { servername?: string | false }
        response.end(
          `${servername === false ? '' : servername} ${(socket as TLSSocket).getPeerX509Certificate()?.subject ?? 'nobody'}`,
        )
      }),
  )
  const open = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: (name = 'localhost') => `https://${name}:${port}`,
    connections: () => accepted,
    openConnections: () => open.size,
    use: (next) => server.setSecureContext(material(next)),
  }
}
