import { randomBytes } from 'node:crypto'

/**
 * Makes the ids by which log lines, problems and the status page speak of the same request: a random part for this process and a
 * number, which costs nothing per request. They stay inside: a provider may read `X-Request-ID` as its own (Gett does).
 */
export function requestIds(): () => string {
  const prefix = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${prefix}-${(++count).toString(36)}`
}
