import { jwtBearer } from '../../config/grant-types.ts'
import type { Credential } from '../../config/config.ts'
import { placeholdersOf } from '../../config/template-uses.ts'
import type { Finding } from './finding.ts'

/** The Date of an answer (RFC 9110 6.6.1), and when it was waited for by the clock of this machine, in milliseconds since the epoch. */
export interface TimedDate {
  readonly date: string | undefined
  readonly sentEpochMs: number
  readonly answeredEpochMs: number
}

/** Up to here nobody minds. */
const tolerableMs = 30_000

/**
 * Compares the clock of this machine with that of whoever answered. What the answer took is not held against either.
 * @param credential whose tokens depend on it; undefined where none do
 * @returns undefined where the answer names no date
 */
export function examineClock(timed: TimedDate, credential: Credential | undefined): Finding | undefined {
  const aheadMs = aheadOf(timed)
  if (aheadMs === undefined) return undefined
  const ahead_s = Math.round(aheadMs / 1000)
  const facts = { ahead_s }
  if (Math.abs(aheadMs) <= tolerableMs) {
    return { check: 'clock', verdict: 'ok', message: ahead_s === 0 ? 'as there' : `${words(ahead_s)} that there`, facts }
  }
  const harm = credential && harmOf(credential, aheadMs)
  const problem = `the clock of this machine is ${words(ahead_s)} that of the answer${harm === undefined ? '' : `: ${harm}`}`
  const message = `${problem}; have the clock here set by NTP, or tell those who run the other one`
  return { check: 'clock', verdict: harm === undefined ? 'warning' : 'failed', message, facts }
}

/** @returns by how much our clock is ahead (behind: less than 0) at the least; Date counts whole seconds */
function aheadOf({ date, sentEpochMs, answeredEpochMs }: TimedDate): number | undefined {
  const dateEpochMs = date === undefined ? Number.NaN : Date.parse(date)
  if (Number.isNaN(dateEpochMs)) return undefined
  return Math.max(sentEpochMs - (dateEpochMs + 999), 0) || Math.min(answeredEpochMs - dateEpochMs, 0)
}

function words(aheadS: number): string {
  return `${Math.abs(aheadS)} s ${aheadS > 0 ? 'ahead of' : 'behind'}`
}

/** What goes wrong with a clock that is so much ahead; undefined where nothing has to. */
function harmOf(credential: Credential, aheadMs: number): string | undefined {
  const { lifetime = 60_000 } = credential.token_request.assertion ?? {}
  if (signsAssertions(credential)) {
    if (aheadMs > 0) return 'its assertions are from the future there (iat), and will be refused'
    if (-aheadMs >= lifetime) return 'its assertions have expired there before they arrive (exp), and will be refused'
  }
  if (!momentFormats.has(credential.token_response.expires.as)) return undefined
  return aheadMs > 0
    ? 'the answer says when its token ends (token_response.expires), and here that is too early'
    : 'the answer says when its token ends (token_response.expires), and here it would be used for longer'
}

const momentFormats: ReadonlySet<string> = new Set(['epoch', 'epoch_ms', 'rfc3339', 'jwt_exp'])

function signsAssertions(credential: Credential): boolean {
  const { grant_type, token_endpoint_auth_method: method } = credential
  if (grant_type === 'self_signed' || grant_type === jwtBearer) return true
  if (method === 'private_key_jwt' || method === 'client_secret_jwt') return true
  return placeholdersOf(credential).some(({ placeholder, part }) => placeholder === 'assertion' && part === 'request')
}
