import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'

/**
 * Notices a request that has come through this gateway before (RFC 9110 7.6.3): its own name among the received-by parts.
 * @throws GatewayError `loop_detected`
 */
export function checkLoop(fields: readonly string[], pseudonym: string): void {
  for (const value of valuesOf(fields, 'via')) {
    // A comment could hold anything, our name included.
    for (const member of value.replace(/\([^)]*\)/g, '').split(',')) {
      if (
        member
          .trim()
          .split(/[ \t]+/)[1]
          ?.toLowerCase() === pseudonym.toLowerCase()
      ) {
        throw new GatewayError(
          'loop_detected',
          `the request has come through "${pseudonym}" before; look at the upstream of this route`,
        )
      }
    }
  }
}
