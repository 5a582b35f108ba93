import type { Credential } from '../../config/config.ts'
import { proxyOf } from '../../config/egress-proxy.ts'
import { placeOf } from '../../config/schema/url.ts'
import { tlsAlertOf } from '../../network/tls-alert.ts'
import { tlsFailureInWords } from '../../network/tls-failure.ts'
import { tlsOf } from '../../oauth/token-request.ts'
import type { TokenSources } from '../../tokens/token-sources.ts'
import { examineClock } from './examine-clock.ts'
import { examineToken, reasonToSkip } from './examine-token.ts'
import type { ExaminedToken } from './examine-token.ts'
import { examineWay } from './examine-way.ts'
import type { Way, WayLimits } from './examine-way.ts'
import type { Finding } from './finding.ts'
import type { TokenExchanges } from './watched-grant-request.ts'

/** What a credential is examined with. */
export interface CredentialParts {
  readonly tokens: TokenSources
  readonly exchanges: TokenExchanges
  /** Whether what a token request brings is kept where those find it who use the credential. */
  readonly isKept: boolean
  /** Whether a route names it, or the token service gives its tokens to somebody. */
  readonly isUsed: boolean
}

/** It takes one way there and back. */
const longestAlertMs = 2_000

/** Examines a credential: whether it is used, the way to its token endpoint, a token request, the clock there. */
export async function examineCredential(
  credential: Credential,
  { tokens, exchanges, isKept, isUsed }: CredentialParts,
  limits: WayLimits,
): Promise<ExaminedToken> {
  const findings: Finding[] = []
  if (!isUsed) findings.push({ check: 'route', verdict: 'warning', message: 'nothing uses it; name it in a route, or remove it' })
  const way = wayToTokens(credential)
  if (way !== undefined) {
    const { findings: onTheWay, socket } = await examineWay(way, limits)
    socket?.destroy()
    findings.push(...onTheWay)
  }
  const reason = findings.some(({ verdict }) => verdict === 'failed')
    ? 'no token was asked for, because the token endpoint cannot be reached; mend that first'
    : reasonToSkip(credential, isKept)
  if (reason !== undefined)
    return { findings: [...findings, { check: 'token', verdict: 'skipped', message: reason }], token: undefined }

  limits.tell('token')
  const answers = (): ReturnType<TokenExchanges['of']> => exchanges.of(credential)
  const { findings: ofToken, token } = await examineToken(credential, tokens.of(credential), answers, limits.limitMs)
  const last = answers().at(-1)
  const clock = last && examineClock(last, credential)
  const explained = way === undefined ? ofToken : await Promise.all(ofToken.map((finding) => explainBreak(finding, way, limits)))
  return { findings: [...findings, ...explained, ...(clock === undefined ? [] : [clock])], token }
}

/** @returns undefined where nobody is asked */
function wayToTokens({ token_endpoint, grant_type, token_request }: Credential): Way | undefined {
  if (token_endpoint === undefined || grant_type === 'self_signed') return undefined
  const place = placeOf(token_endpoint)
  return {
    place,
    proxy: proxyOf(token_request.proxy, place),
    tls: () => tlsOf(token_request.tls),
    key: 'token_endpoint',
    tlsKey: 'token_request.tls',
  }
}

/** The HTTP client that token requests are made with loses an alert that comes after the handshake: a second look finds it. */
async function explainBreak(finding: Finding, way: Way, limits: WayLimits): Promise<Finding> {
  if (!way.place.isTls || finding.facts?.['error'] !== 'UND_ERR_SOCKET') return finding
  const { socket } = await examineWay(way, limits)
  const alert = socket && (await tlsAlertOf(socket, Math.min(limits.limitMs, longestAlertMs)))
  const words = alert === undefined ? undefined : tlsFailureInWords(alert, way.tlsKey)
  return words === undefined
    ? finding
    : {
        ...finding,
        message: `the token endpoint ends the connection (${alert}): ${words}`,
        facts: { ...finding.facts, error: alert ?? '' },
      }
}
