import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Pool } from 'undici'
import { backlog, readSetting } from './setting.ts'

/** What bearerd's parts cost when nothing is checked: the platform's server and undici, with no more than the header set. */
const { port, upstream, trusted, authorization } = readSetting()
const pool = new Pool(upstream, { ...(trusted !== undefined && { connect: { ca: trusted } }) })

createServer((request, response) => {
  const { method = 'GET', url = '/' } = request
  const hasBody = method !== 'GET'
  const sent = { method, path: url, headers: fieldsOf(request), body: hasBody ? request : null, opaque: null }
  pool.stream(
    sent,
    ({ statusCode, headers }) => response.writeHead(statusCode, withoutConnection(headers)),
    (error) => {
      if (error !== null && !response.headersSent) response.writeHead(502).end()
    },
  )
}).listen({ port, host: '127.0.0.1', backlog })

function fieldsOf({ rawHeaders }: IncomingMessage): string[] {
  const fields = ['authorization', authorization]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (!isOurs(name.toLowerCase())) fields.push(name, rawHeaders[at + 1] ?? '')
  }
  return fields
}

function isOurs(name: string): boolean {
  return name === 'host' || name === 'connection' || name === 'authorization' || name === 'keep-alive'
}

function withoutConnection<Headers extends object>(headers: Headers): Headers {
  const { connection, 'keep-alive': keepAlive, 'transfer-encoding': coding, ...others } = headers as Record<string, string>
  void [connection, keepAlive, coding]
  return others as Headers
}
