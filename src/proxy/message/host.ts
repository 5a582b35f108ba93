/** The host of `host:port`, in lower case, without brackets around an IPv6 address and without a final dot. */
export function hostnameOf(authority: string): string {
  return authority
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}
