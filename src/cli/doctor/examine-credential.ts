import type { Credential } from '../../config/config.ts'
import { proxyOf } from '../../config/egress-proxy.ts'
import { placeOf } from '../../config/schema/url.ts'
import { tlsOf } from '../../oauth/token-request.ts'
import type { TokenSources } from '../../tokens/token-sources.ts'
import { examineClock } from './examine-clock.ts'
import { examineToken, reasonToSkip } from './examine-token.ts'
import type { ExaminedToken } from './examine-token.ts'
import { examineWay } from './examine-way.ts'
import type { WayLimits } from './examine-way.ts'
import type { Finding } from './finding.ts'
import type { TokenExchanges } from './watched-grant-request.ts'

/** What a credential is examined with. */
export interface CredentialParts {
  readonly tokens: TokenSources
  readonly exchanges: TokenExchanges
  /** Whether what a token request brings is kept where those find it who use the credential. */
  readonly isKept: boolean
  /** Whether a route names it. */
  readonly isUsed: boolean
}

/** Examines a credential: whether it is used, the way to its token endpoint, a token request, the clock there. */
export async function examineCredential(
  credential: Credential,
  { tokens, exchanges, isKept, isUsed }: CredentialParts,
  limits: WayLimits,
): Promise<ExaminedToken> {
  const findings: Finding[] = []
  if (!isUsed)
    findings.push({ check: 'route', verdict: 'warning', message: 'no route uses it; name it in a route, or remove it' })
  const way = await examineTokenWay(credential, limits)
  findings.push(...way)
  const isBlocked = way.some(({ verdict }) => verdict === 'failed')
  const reason = isBlocked
    ? 'no token was asked for, because the token endpoint cannot be reached; mend that first'
    : reasonToSkip(credential, isKept)
  if (reason !== undefined)
    return { findings: [...findings, { check: 'token', verdict: 'skipped', message: reason }], token: undefined }

  limits.tell('token')
  const answers = (): ReturnType<TokenExchanges['of']> => exchanges.of(credential)
  const { findings: ofToken, token } = await examineToken(credential, tokens.of(credential), answers, limits.limitMs)
  const last = answers().at(-1)
  const clock = last && examineClock(last, credential)
  return { findings: [...findings, ...ofToken, ...(clock === undefined ? [] : [clock])], token }
}

async function examineTokenWay(credential: Credential, limits: WayLimits): Promise<readonly Finding[]> {
  const { token_endpoint, grant_type, token_request } = credential
  if (token_endpoint === undefined || grant_type === 'self_signed') return []
  const place = placeOf(token_endpoint)
  const way = {
    place,
    proxy: proxyOf(token_request.proxy, place),
    tls: () => tlsOf(token_request.tls),
    key: 'token_endpoint',
    tlsKey: 'token_request.tls',
  }
  const { findings, socket } = await examineWay(way, limits)
  socket?.destroy()
  return findings
}
