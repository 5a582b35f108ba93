/** The name in Proxy-Status by which callers tell the gateway's words from the provider's (RFC 9209 2). */
const proxyName = 'bearerd'

/** Says that an answer was made by the gateway, and of what kind (RFC 9209 2.3). @param details words of ours, visible ASCII */
export function madeHere(errorType: string, details: string): string {
  return `${proxyName}; error=${errorType}; details=${quoted(details)}`
}

/**
 * Says on a relayed answer why the gateway did not replace it (RFC 9209 2.1.4, 2.1.5).
 * @param why words of ours, visible ASCII
 */
export function relayedAsItCame(receivedStatus: number, why: string): string {
  return `${proxyName}; received-status=${receivedStatus}; details=${quoted(why)}`
}

/** RFC 9651 3.3.3. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
