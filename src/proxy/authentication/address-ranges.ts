import { BlockList, isIP } from 'node:net'
import type { AddressRange } from '../../config/schema/callers.ts'

/**
 * Compiles ranges of addresses.
 * @returns whether an address, as a socket gives it, lies in one of them
 */
export function compileRanges(ranges: readonly AddressRange[]): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const { address, prefix, family } of ranges) list.addSubnet(address, prefix, family)
  return (address) => {
    if (address === undefined) return false
    // A socket that listens on IPv6 and IPv4 alike shows the one as the other (RFC 4291 2.5.5.2), and a zone belongs to this machine.
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/s, '')
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  }
}
