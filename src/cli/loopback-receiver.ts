import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { isIP } from 'node:net'
import { isLoopbackHost } from '../config/loopback.ts'
import { socketAddressOf } from '../config/schema/url.ts'
import { listenOn } from '../proxy/caller/listen-on.ts'
import { sendPage } from './browser-page.ts'
import type { BrowserPage } from './browser-page.ts'
import { OperationError } from './command.ts'

/** Waits on this machine for the browser to come back (RFC 8252 7.3). */
export interface LoopbackReceiver {
  /** The redirect URI, with the port that is in use. */
  readonly redirectUri: string
  /** Listens no longer. A page that is just being answered still gets through. */
  close(): Promise<void>
}

/** How long a browser may take to fetch its page once nobody listens any more. */
const lingerMs = 250

/**
 * Opens the redirect URI.
 * @param redirectUri an http URL on this machine; port 0 for any
 * @param answer told of the query of each request for it, as long as the receiver is open; gives the page, never throws
 * @throws OperationError when its address cannot be used
 */
export async function openLoopbackReceiver(
  redirectUri: string,
  answer: (query: URLSearchParams) => Promise<BrowserPage>,
): Promise<LoopbackReceiver> {
  const url = new URL(redirectUri)
  const { hostname, port } = socketAddressOf(url)
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closeServer))
  }
  const open = async (host: string, portInUse: number): Promise<number> => {
    const server = createServer((request, response) => {
      const refusal = refusalOf(request, url.pathname)
      if (refusal !== undefined) return sendPage(response, refusal)
      const [, query = ''] = /\?(.*)/s.exec(request.url ?? '') ?? []
      void answer(new URLSearchParams(query)).then((page) => sendPage(response, page))
    })
    servers.push(server)
    return (await listenOn(server, { host, port: portInUse, isLoopback: true })).port
  }
  try {
    const isName = isIP(hostname) === 0
    const portInUse = await open(isName ? '127.0.0.1' : hostname, port)
    // A browser may take a name for either, and whoever listens on the other would get the code (RFC 8252 8.3).
    if (isName) await open('::1', portInUse).catch(ignoreWithoutIpv6)
    return { redirectUri: redirectUri.replace(/^(http:\/\/[^/]*):0(?=\/|$)/, `$1:${portInUse}`), close }
  } catch (error) {
    await close()
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    const reason = { EADDRINUSE: 'another program uses this port', EACCES: 'this user may not use this port' }[code] ?? code
    const remedy = 'write another redirect_uri, which the provider has to know'
    throw new OperationError(`cannot wait for the answer at ${redirectUri}: ${reason}; ${remedy}`, { cause: error })
  }
}

/** The page for what cannot be the answer: whoever makes a browser ask for it must not get anywhere (DNS rebinding). */
function refusalOf({ method, url = '', headers }: IncomingMessage, path: string): BrowserPage | undefined {
  const [, host = ''] = /^(\[[0-9a-f:]+\]|[^:/@?#]+)(?::\d+)?$/i.exec(headers.host ?? '') ?? []
  if (!isLoopbackHost(host)) return { status: 421, title: 'Not here', text: 'This address belongs to another host.' }
  if (url.replace(/\?.*/s, '') !== path) return { status: 404, title: 'Not here', text: 'There is no such page.' }
  if (method !== 'GET') return { status: 405, title: 'Not so', text: 'This page can only be fetched.' }
  return undefined
}

function ignoreWithoutIpv6(error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') throw error
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const timer = setTimeout(() => server.closeAllConnections(), lingerMs)
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  clearTimeout(timer)
}
