/** What Redis says with the first word of an error, for people. */
const meanings: Readonly<Record<string, string>> = {
  WRONGPASS: 'it refuses the user name or the password',
  NOAUTH: 'it wants a password',
  NOPERM: 'its user lacks a right; docs/token-stores.md lists them',
  OOM: 'it is full',
  READONLY: 'it is a replica, which cannot be written to',
  MASTERDOWN: 'it is a replica that has lost its primary',
  LOADING: 'it is starting and still reads its data',
  MISCONF: 'it cannot save to its disk and therefore refuses to write',
  NOREPLICAS: 'it has too few replicas to write',
  CLUSTERDOWN: 'its cluster is down',
  MOVED: 'it is a node of a cluster that does not hold the slot of our keys',
  BUSY: 'it is busy with a script',
  NOPROTO: 'it is older than Redis 6',
}

/** Redis gave no answer in time. */
export class RedisTimeoutError extends Error {
  override name = 'RedisTimeoutError' as const
}

/** The URL cannot be used; its text is never repeated. */
export class RedisUrlError extends Error {
  override name = 'RedisUrlError' as const
}

/**
 * Says for people why Redis is of no use at the moment. Messages of errors are not repeated, because they may hold what was sent:
 * only their codes are.
 * @param error whatever the client library threw
 */
export function troubleOf(error: unknown): string {
  if (error instanceof RedisTimeoutError || error instanceof RedisUrlError) return error.message
  if (!(error instanceof Error)) return 'it failed'
  if ('code' in error && typeof error.code === 'string') return `it cannot be reached (${error.code})`
  if (error.constructor.name === 'SimpleError' || error.constructor.name === 'BlobError') return errorReplyOf(error.message)
  return `the connection failed (${error.constructor.name})`
}

/** Redis 6 puts its word somewhere into the message when it comes from a script; later ones begin with it. */
function errorReplyOf(message: string): string {
  // Redis 7 has no code of its own for this.
  const isForbidden = message.includes('The user executing the script')
  const code = isForbidden ? 'NOPERM' : message.match(/\b[A-Z]{3,}\b/g)?.find((word) => Object.hasOwn(meanings, word))
  return code === undefined ? 'it answers with an error' : `${meanings[code]} (${code})`
}
