import { z } from 'zod'
import { isLoopbackHost } from '../loopback.ts'

/** Where to listen. */
export interface ListenAddress {
  /** As for a socket: without brackets; an empty string listens on every address. */
  readonly host: string
  readonly port: number
  /** Whether only this machine can connect. */
  readonly isLoopback: boolean
}

/** `HOST:PORT`, `[::1]:PORT`, or `:PORT` for every address. */
export const listenAddress = z
  .string({ error: 'expected HOST:PORT; for example 127.0.0.1:8080' })
  .transform((value, context): ListenAddress => {
    const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(value) ?? []
    const host = bracketed ?? plain
    const port = Number(digits)
    if (host === undefined || !(port <= 65_535)) {
      context.addIssue('not an address; write it as 127.0.0.1:8080, [::1]:8080 or :8080')
      return z.NEVER
    }
    return { host, port, isLoopback: isLoopbackHost(host) }
  })

/** An address as people write it. */
export function formatAddress({ host, port }: Pick<ListenAddress, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
