import type { Credential } from '../../config/config.ts'
import { pointlessChallenge } from '../../oauth/challenge.ts'
import { atPointer } from '../../oauth/json-pointer.ts'
import type { ReplayOutcome } from '../../telemetry/route-metrics.ts'
import type { AccessToken } from '../../tokens/access-token.ts'
import type { Rejection, Replacement, TokenSupply } from '../../tokens/token-supply.ts'
import { CallerGoneError } from '../caller/exchange.ts'
import type { Exchange } from '../caller/exchange.ts'
import type { Forwarding } from '../forwarding.ts'
import { valuesOf } from '../message/fields.ts'
import type { Answer } from '../upstream/answer.ts'
import { textOf } from './answer-text.ts'

/** How long a first answer is held, unread, while its token is renewed. */
export const renewalDeadlineMs = 5_000

/**
 * Whether an answer means that the token was refused. Said at once, unless status and fields leave it to a body that is still
 * coming.
 * @throws GatewayError `upstream_reset` when the answer breaks meanwhile, CallerGoneError when the caller leaves
 */
export function isRefusal(
  exchange: Exchange,
  answer: Answer,
  rejectedWhen: Credential['rejected_when'],
): boolean | Promise<boolean> {
  if (answer.tunnel !== undefined) return false
  let undecided: RefusalMatch[] | undefined
  for (const match of rejectedWhen) {
    if (!matchesHead(answer, match)) continue
    if (match.json === undefined && match.body === undefined) return true
    undecided ??= []
    undecided.push(match)
  }
  if (undecided === undefined) return false
  const matches = undecided
  const text = textOf(exchange, answer)
  return text instanceof Promise ? text.then((whole) => matchesText(whole, matches)) : matchesText(text, matches)
}

type RefusalMatch = Credential['rejected_when'][number]

function matchesHead({ status, fields }: Answer, match: RefusalMatch): boolean {
  if (match.status !== undefined && match.status !== status) return false
  if (match.header === undefined) return true
  return Object.entries(match.header).every(([name, pattern]) =>
    valuesOf(fields, name.toLowerCase()).some((value) => pattern.test(value)),
  )
}

function matchesText(text: string | undefined, matches: readonly RefusalMatch[]): boolean {
  if (text === undefined) return false
  const document = matches.some(({ json }) => json !== undefined) ? parseJson(text) : undefined
  return matches.some(({ json = {}, body }) => {
    if (body !== undefined && !body.test(text)) return false
    return Object.entries(json).every(([pointer, values]) => isOneOf(atPointer(document, pointer), values))
  })
}

/** As strings: error codes change their type inside one API. */
function isOneOf(value: unknown, values: readonly string[]): boolean {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return isPlain && values.includes(String(value))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    return undefined
  }
}

/** Why the first answer is relayed as it came. */
export interface NoReplay {
  readonly token?: undefined
  readonly outcome: ReplayOutcome
  readonly why: string
}

/**
 * After a refusal: has the token replaced, while the first answer waits unread, and makes sure that the request can be sent again
 * as it was. Why this is sound for any method: a 401 says that the request was not applied (RFC 9110 15.5.2).
 * @throws CallerGoneError when there is nobody left to replay it for
 */
export async function replaceToken(
  { exchange, body, route }: Forwarding,
  answer: Answer,
  token: AccessToken,
  source: TokenSupply,
): Promise<Replacement | NoReplay> {
  const pointless = pointlessChallenge(valuesOf(answer.fields, 'www-authenticate'))
  if (pointless !== undefined) {
    source.noteRejection('pointless')
    return { outcome: 'no_new_token', why: `not renewed: a new token does not help against ${pointless}` }
  }
  // Before anything else, and even when this request cannot be replayed: the next one shall succeed.
  const rejection = source.reject(token, route.replay !== 'off' && body.canStartOver, route.label)
  if (route.replay === 'off') return { outcome: 'off', why: 'not replayed: replay is off for this route' }
  if (!body.canStartOver) return tooLarge
  body.detach()
  const [replacement, wholeness] = await Promise.all([withinDeadline(rejection, source), body.whole()])
  const isReplayed = wholeness === 'whole' && !exchange.isGone
  if (!isReplayed && replacement.token !== undefined) source.notReplayed(replacement)
  if (exchange.isGone) throw new CallerGoneError()
  if (wholeness === 'too_large') return tooLarge
  if (wholeness === 'incomplete')
    return { outcome: 'body_incomplete', why: "not replayed: the request's body did not come to its end" }
  return replacement.token === undefined ? { outcome: 'no_new_token', why: `not renewed: ${replacement.outcome}` } : replacement
}

const tooLarge = { outcome: 'body_too_large', why: 'not replayed: the body is larger than what is kept for replay' } as const

/** A renewal that takes longer goes on for the next request; whether it was of use, this one cannot tell. */
function withinDeadline(
  rejection: Promise<Rejection>,
  source: TokenSupply,
): Promise<Rejection | { readonly outcome: 'deadline'; readonly token?: undefined }> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      resolve({ outcome: 'deadline' })
    }, renewalDeadlineMs)
    rejection.then((settled) => {
      clearTimeout(timer)
      if (isLate && settled.token !== undefined) source.notReplayed(settled)
      resolve(settled)
    }, reject)
  })
}
