import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Exchange } from '../caller/exchange.ts'
import { formatFields } from '../message/fields.ts'
import type { Answer } from '../upstream/answer.ts'

const keepAliveMs = 30_000
/** How long a side may take for its own end after the other's. */
const lingerMs = 5_000

/**
 * Joins the two connections after an upgrade (RFC 9110 7.8): the caller gets the 101, then bytes go both ways until one side
 * ends.
 * @param fields of the 101 to the caller, without Connection and Upgrade
 * @returns when both are closed
 */
export function openTunnel(exchange: Exchange, answer: Answer, fields: readonly string[], protocol: string): Promise<void> {
  const { response, upgrade } = exchange
  if (upgrade === undefined || answer.tunnel === undefined) throw new TypeError('not an upgrade')
  const caller = upgrade.socket
  const { socket: upstream, head: fromUpstream } = answer.tunnel
  exchange.isTunnel = true
  response.detachSocket(exchange.request.socket)
  const head = formatFields([...fields, 'Connection', 'Upgrade', 'Upgrade', protocol])
  caller.write(`HTTP/1.1 ${answer.status} ${answer.reason}\r\n${head}\r\n`, 'latin1')
  if (fromUpstream.length > 0) caller.write(fromUpstream)
  const fromCaller = upgrade.takeOver()
  if (fromCaller.length > 0) upstream.write(fromCaller)
  // A side that vanishes without a word would otherwise be held for ever.
  for (const side of [caller, upstream]) if (side instanceof Socket) side.setKeepAlive(true, keepAliveMs)
  return new Promise((resolve) => {
    join(caller, upstream)
    join(upstream, caller)
    upstream.on('close', () => (caller.destroyed ? resolve() : caller.once('close', resolve)))
  })
}

function join(from: Duplex, to: Duplex): void {
  from.pipe(to)
  from.on('error', () => to.destroy())
  from.on('close', () => {
    // After a clean end `pipe` has ended the other side, which may still have bytes to send.
    if (!from.readableEnded) to.destroy()
    else setTimeout(() => to.destroy(), lingerMs).unref()
  })
}
