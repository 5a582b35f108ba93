import { existsSync, readFileSync } from 'node:fs'

/**
 * How many connections to a port are held by whoever opened them, established or not closed after the other end was. The upstream's side is
 * not asked: the platform's server does not always notice the end of a connection that it has broken off itself.
 */
export function connectionsTo(port: number): number {
  const table = '/proc/net/tcp'
  if (!existsSync(table)) return 0
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , address = '', state = '']) => address.endsWith(remote) && ['01', '08'].includes(state)).length
}
