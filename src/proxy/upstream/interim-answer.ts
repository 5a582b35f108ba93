import type { Forwarding } from '../forwarding.ts'
import { formatFields } from '../message/fields.ts'
import { connectionOptions, isHopByHop } from '../message/hop-by-hop.ts'

/**
 * Passes an interim answer on to a caller that can understand it, which HTTP/1.0 cannot (RFC 9110 15.2).
 * @param fields name, value, name, value, ... as received from the upstream
 */
export function relayInterimAnswer(
  { exchange: { response }, received: { version } }: Forwarding,
  status: number,
  reason: string,
  fields: readonly string[],
): void {
  if (version !== '1.1' || response.headersSent || response.socket === null) return
  // A caller that does not read must not have them pile up here; nobody is owed one.
  if (response.socket.writableNeedDrain) return
  // Of a final answer that would be an error; this one can be done without.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) return
  const options = connectionOptions(fields)
  const kept = fields.filter((_, index) => {
    const name = (fields[index - (index % 2)] as string).toLowerCase()
    // RFC 9110 8.6: a length here would make some callers take the answer itself for the body of this one.
    return !isHopByHop(name) && name !== 'content-length' && options?.has(name) !== true
  })
  response.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${formatFields(kept)}\r\n`, 'latin1')
}
