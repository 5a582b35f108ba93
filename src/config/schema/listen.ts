import { z } from 'zod'
import { isLoopbackHost } from '../loopback.ts'
import { asProblem } from './problem-code.ts'
import { strictObject } from './values.ts'

/** Where to listen. */
export type ListenAddress = NetworkAddress | SocketFile

export interface NetworkAddress {
  /** As for a socket: without brackets; an empty string listens on every address. */
  readonly host: string
  readonly port: number
  /** Whether only this machine can connect. */
  readonly isLoopback: boolean
}

/** A unix socket: who may connect is a matter of its file. */
export interface SocketFile {
  readonly path: string
  /** The permissions of the file, as for chmod. */
  readonly mode: number
  readonly isLoopback: true
}

/** Its owner and its group may connect. */
const defaultMode = 0o660

/** What `sun_path` of the system holds, with its final NUL. */
const longestPath = 107

const address = z
  .string({ error: 'expected HOST:PORT or unix:/path; for example 127.0.0.1:8080' })
  .transform((value, context): ListenAddress => {
    if (value.startsWith('unix:')) return socketFile(value.slice('unix:'.length), context)
    const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(value) ?? []
    const host = bracketed ?? plain
    const port = Number(digits)
    if (host === undefined || !(port <= 65_535)) {
      context.addIssue('not an address; write it as 127.0.0.1:8080, [::1]:8080, :8080 or unix:/run/bearerd.sock')
      return z.NEVER
    }
    return { host, port, isLoopback: isLoopbackHost(host) }
  })
  .meta({ shown: ['127.0.0.1:8080', 'unix:/run/bearerd.sock'] })

const mode = z
  .string({ error: 'expected permissions as octal digits, in quotes; for example "0660"' })
  .regex(/^0?[0-7]{3}$/, { error: 'not permissions; write three octal digits in quotes, such as "0660"' })
  .transform((digits) => Number.parseInt(digits, 8))
  .meta({ shown: ['0660'] })

/** `HOST:PORT`, `[::1]:PORT`, `:PORT` for every address, `unix:/path`, or `{address, mode}`. */
export const listenAddress = z
  .union(
    [
      address,
      strictObject({
        address: address.describe('The address, where there is more to say of it.'),
        mode: mode.optional().describe('Permissions of a unix socket; "0660" when absent.'),
      }),
    ],
    { error: 'expected an address or {address, mode}; for example 127.0.0.1:8080 or unix:/run/bearerd.sock' },
  )
  .transform((value, context): ListenAddress => {
    if (!('address' in value)) return value
    if (context.issues.length > 0 || value.mode === undefined) return value.address
    if (isSocketFile(value.address)) return { ...value.address, mode: value.mode }
    context.addIssue({
      code: 'custom',
      message: 'mode has no effect: only a unix socket has a file; remove it',
      params: asProblem('no_effect'),
    })
    return z.NEVER
  })

/** Whether an address is a unix socket. */
export function isSocketFile(listen: ListenAddress): listen is SocketFile {
  return 'path' in listen
}

/** An address as people write it. */
export function formatAddress(listen: ListenAddress): string {
  if (isSocketFile(listen)) return `unix:${listen.path}`
  return `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`
}

function socketFile(path: string, context: z.core.$RefinementCtx): SocketFile {
  if (path.startsWith('/') && !path.endsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= longestPath)
    return { path, mode: defaultMode, isLoopback: true }
  context.addIssue(
    `not the path of a socket; write an absolute one of up to ${longestPath} bytes, such as unix:/run/bearerd.sock`,
  )
  return z.NEVER
}
