import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { pemOf } from './certificates.ts'
import type { CertificateFiles } from './certificates.ts'
import { tcpServer } from './servers.ts'

/** A forward proxy under test. */
export interface TestProxy {
  readonly url: string
  readonly port: number
  /** The head of each request, as it came. */
  readonly heads: string[]
  /** Every byte that callers sent, heads and what went through tunnels, as latin1. */
  seen(): string
  tunnels(): number
  openConnections(): number
}

/** What the proxy does when it is asked for a tunnel: digs it, or something else with the connection. */
export type ProxyBehaviour = (head: string, socket: Socket) => 'tunnel' | 'done'

/**
 * An egress proxy on loopback that knows CONNECT and leads every host to this machine, at the port that was asked for.
 * @param tls makes it an https proxy
 */
export async function egressProxy(behave: ProxyBehaviour = () => 'tunnel', tls?: CertificateFiles): Promise<TestProxy> {
  const heads: string[] = []
  let seen = ''
  let tunnels = 0
  let open = 0
  const serve = (socket: Socket): void => {
    open++
    socket.on('close', () => open--)
    let head = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => (seen += chunk.toString('latin1')))
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      socket.off('data', onData)
      heads.push(head)
      if (behave(head, socket) === 'done') return
      const port = Number(/^CONNECT \S+:(\d+) /.exec(head)?.[1])
      const onward = connect(port, '127.0.0.1', () => {
        tunnels++
        socket.write('HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
      socket.on('close', () => onward.destroy())
      onward.on('close', () => socket.destroy())
    }
    socket.on('data', onData)
  }
  const port = tls === undefined ? (await tcpServer(serve)).port : await listenTls(tls, serve)
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return { url, port, heads, seen: () => seen, tunnels: () => tunnels, openConnections: () => open }
}

async function listenTls({ cert, key }: CertificateFiles, serve: (socket: Socket) => void): Promise<number> {
  const server = createTlsServer({ cert: pemOf(cert), key: pemOf(key) }, serve)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
