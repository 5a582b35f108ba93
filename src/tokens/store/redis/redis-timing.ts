/** How long things may take, in milliseconds. */
export interface RedisTiming {
  /** Within this Redis has to answer, and longer no request waits for it in sum. */
  readonly answerMs: number
  /** Making a connection in the background may take longer: names are resolved, TLS is spoken. */
  readonly connectMs: number
  /** While Redis does not answer, somebody looks about this often whether it does again. */
  readonly retryMs: number
  /** An idle connection is tried too: a dead one would bring no events, and one that is silent is cut by firewalls. */
  readonly heartbeatMs: number
  /** How long a lock outlives an owner that is gone. */
  readonly leaseMs: number
  /** What was sent just before the end may still arrive. */
  readonly farewellMs: number
}

/** What holds unless a test is in a hurry, or on a slow machine. */
export const redisTiming: RedisTiming = {
  answerMs: 100,
  connectMs: 2_000,
  retryMs: 1_000,
  heartbeatMs: 15_000,
  leaseMs: 3_000,
  farewellMs: 50,
}
