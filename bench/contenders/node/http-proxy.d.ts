/** The part of http-proxy that the benchmark uses; the package brings no types. */
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http'

  interface Proxy {
    web(request: IncomingMessage, response: ServerResponse): void
    on(event: 'error', listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void): this
  }

  interface Options {
    readonly target: string
    readonly agent: Agent
    readonly changeOrigin: boolean
    readonly headers: Readonly<Record<string, string>>
  }

  const httpProxy: { createProxyServer(options: Options): Proxy }
  export = httpProxy
}
