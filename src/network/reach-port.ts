import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import type { Place } from '../config/egress-proxy.ts'
import { withinTime } from './time-limit.ts'

/**
 * The addresses of a host, found as connections find them: by the system's resolver, its file of hosts included.
 * @param limitMs milliseconds; the platform cannot end a lookup, but nobody waits for it any longer
 * @throws the platform's error, or TimeLimitError
 */
export async function addressesOf(hostname: string, limitMs: number): Promise<readonly string[]> {
  const found = await withinTime(lookup(hostname, { all: true }), limitMs)
  return found.map(({ address }) => address)
}

/**
 * Connects to a port and lets go of it at once, without sending anything.
 * @param limitMs milliseconds, for all addresses together (RFC 8305)
 * @returns the address that answered
 * @throws the platform's error, or TimeLimitError
 */
export async function reachPort({ hostname, port }: Pick<Place, 'hostname' | 'port'>, limitMs: number): Promise<string> {
  const socket = connect({ host: hostname, port })
  try {
    const connected = new Promise<string>((resolve, reject) => {
      socket.once('connect', () => resolve(socket.remoteAddress ?? hostname))
      socket.on('error', reject)
    })
    return await withinTime(connected, limitMs)
  } finally {
    socket.destroy()
  }
}
