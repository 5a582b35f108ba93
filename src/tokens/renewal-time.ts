import type { Credential } from '../config/config.ts'

const defaultShare = 0.1
const longestDefaultMs = 5 * 60_000
/** A token is never renewed before half of its life is over, whatever was configured: that would be a loop. */
const largestShare = 0.5
/** Up to so much earlier, so that replicas and credentials that started together do not renew together. */
const jitterShare = 0.1

/**
 * When a token is renewed, counted from its issue.
 * @param lifetimeMs the life of the token
 * @param random from 0 to 1
 * @returns milliseconds from issue
 */
export function renewalDelayMs(renewBefore: Credential['renew_before'], lifetimeMs: number, random: number): number {
  const wantedMs =
    renewBefore === undefined
      ? Math.min(lifetimeMs * defaultShare, longestDefaultMs)
      : 'share' in renewBefore
        ? lifetimeMs * renewBefore.share
        : renewBefore.ms
  const beforeMs = Math.min(wantedMs * (1 + jitterShare * random), lifetimeMs * Math.max(largestShare, shareOf(renewBefore)))
  return lifetimeMs - beforeMs
}

/** A share above a half was meant. */
function shareOf(renewBefore: Credential['renew_before']): number {
  return renewBefore !== undefined && 'share' in renewBefore ? renewBefore.share : 0
}
