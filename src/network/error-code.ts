/** What happened to a connection, by the platform's own code: messages may hold what the other side sent. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  // Happy Eyeballs wraps the errors of all addresses.
  return error instanceof AggregateError ? errorCode(error.errors[0]) : errorCode(error.cause)
}
