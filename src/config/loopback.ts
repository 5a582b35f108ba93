/**
 * Whether a host is this machine itself, so that plain HTTP to it crosses no network.
 * @param hostname with or without brackets
 */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}

/** Whether what is sent to a URL crosses a network in clear text; of an absent one nothing does. */
export function isExposed(url: string | undefined): boolean {
  if (url === undefined) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopbackHost(hostname)
}
