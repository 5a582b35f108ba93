import { BlockList, isIP } from 'node:net'

/** One entry of NO_PROXY. */
export type Exemption = (hostname: string, port: number) => boolean

/**
 * Reads NO_PROXY: entries with commas or spaces between them. A name means the host and everything below it, with or without a
 * dot in front; `*.` in front leaves out the host itself; an address or a range (CIDR) means addresses as they stand in URLs;
 * a port behind a colon narrows an entry down to it; `*` is everything.
 */
export function parseNoProxy(text: string): readonly Exemption[] {
  return text
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => exemptionOf(entry.toLowerCase()))
}

/** Whether one of the entries exempts a place. @param place its host as for a socket: without brackets */
export function isExempt(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  exemptions: readonly Exemption[],
): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  return exemptions.some((exempts) => exempts(name, port))
}

function exemptionOf(entry: string): Exemption {
  if (entry === '*') return () => true
  const range = rangeOf(entry)
  if (range !== undefined) return range
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [entry, entry]
  const name = host.replace(/^\[|\]$/g, '')
  const isPort = (actual: number): boolean => port === undefined || Number(port) === actual
  const address = addressList(name)
  if (address !== undefined) return (hostname, actual) => isPort(actual) && isIn(address, hostname)
  const bare = name.replace(/^\*?\./, '').replace(/\.$/, '')
  if (bare === '') return () => false
  const isHostToo = !name.startsWith('*.')
  return (hostname, actual) =>
    isPort(actual) && ((isHostToo && hostname === bare) || (isIP(hostname) === 0 && hostname.endsWith(`.${bare}`)))
}

/** `10.0.0.0/8`, `fd00::/8` */
function rangeOf(entry: string): Exemption | undefined {
  const [, address = '', bits = ''] = /^\[?([^/\]]+)\]?\/(\d{1,3})$/.exec(entry) ?? []
  const family = isIP(address)
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return undefined
  const list = new BlockList()
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return (hostname) => isIn(list, hostname)
}

/** An address can be spelt in many ways, so that comparing texts would not do. */
function addressList(name: string): BlockList | undefined {
  const family = isIP(name)
  if (family === 0) return undefined
  const list = new BlockList()
  list.addAddress(name, family === 4 ? 'ipv4' : 'ipv6')
  return list
}

function isIn(list: BlockList, hostname: string): boolean {
  const family = isIP(hostname)
  return family !== 0 && list.check(hostname, family === 4 ? 'ipv4' : 'ipv6')
}
