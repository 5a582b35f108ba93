import { CallerGoneError } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { ConnectionSlots } from './upstream/connection-slots.ts'

/**
 * Takes a slot for a connection to the upstream, waiting in line for it where all are taken.
 * @returns nothing at once, or a promise where it has to wait
 * @throws CallerGoneError when the caller leaves the line
 */
export function takeSlot(exchange: Exchange, slots: ConnectionSlots): void | Promise<void> {
  if (slots.tryTake()) return
  return new Promise((resolve, reject) => {
    const leave = slots.wait(resolve)
    exchange.onGone = () => {
      leave()
      reject(new CallerGoneError())
    }
  })
}
