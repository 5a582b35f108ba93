import type { Route } from '../../config/config.ts'
import { proxyOf } from '../../config/egress-proxy.ts'
import { isUpstreamTemplate } from '../../config/schema/upstream.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import { tokenUpstream } from '../../proxy/upstream/token-upstream.ts'
import { UpstreamTls } from '../../proxy/upstream/http1/upstream-tls.ts'
import { createSilentLog } from '../../telemetry/log.ts'
import type { AccessToken } from '../../tokens/access-token.ts'
import { examineAnswer } from './examine-answer.ts'
import { examineClock } from './examine-clock.ts'
import { examineWay } from './examine-way.ts'
import type { Way, WayLimits } from './examine-way.ts'
import type { Finding } from './finding.ts'

/** What an upstream is examined with. */
export interface UpstreamParts {
  readonly userAgent: string
  /** The token of the route's credential, once it is known whether there is one. */
  readonly token: () => Promise<AccessToken | undefined>
}

/** Examines the upstream of a route: the way there, whether it speaks HTTP, and the clock there where a token is signed for it. */
export async function examineUpstream(
  route: Route,
  { userAgent, token }: UpstreamParts,
  limits: WayLimits,
): Promise<readonly Finding[]> {
  const upstream = await upstreamOf(route, token)
  if ('verdict' in upstream) return [upstream]
  const way = wayTo(upstream, route)
  const { findings, socket } = await examineWay(way, limits)
  if (socket === undefined) return findings
  limits.tell('answer')
  const { limitMs, nowEpochMs } = limits
  const { finding, dated } = await examineAnswer(socket, { way, upstream, userAgent, limitMs, nowEpochMs })
  const isJudge = route.credential?.grant_type === 'self_signed'
  const clock = dated && examineClock(dated, isJudge ? route.credential : undefined)
  // Where a token endpoint judges, its own clock has been looked at.
  const isWorthIt = clock !== undefined && (isJudge || clock.verdict !== 'ok')
  return [...findings, finding, ...(isWorthIt ? [clock] : [])]
}

async function upstreamOf(route: Route, token: UpstreamParts['token']): Promise<UpstreamUrl | Finding> {
  const { upstream, credential } = route
  if (!isUpstreamTemplate(upstream)) return upstream
  const got = await token()
  if (got === undefined) {
    const message = `the token decides where it is, and there is none; see the credential ${credential?.name ?? ''}`
    return { check: 'upstream', verdict: 'skipped', message }
  }
  const found = tokenUpstream(upstream, route, got.revealFields())
  if (typeof found !== 'string') return found
  return { check: 'upstream', verdict: 'failed', message: `${found}; check upstream and allowed_hosts` }
}

function wayTo(place: UpstreamUrl, { tls, proxy }: Route): Way {
  const options = (): ReturnType<UpstreamTls['options']> =>
    new UpstreamTls(tls ?? {}, { onChange: () => {}, log: createSilentLog() }).options()
  return {
    place,
    proxy: proxyOf(proxy, place),
    tls: () => (place.isTls ? options() : undefined),
    key: 'upstream',
    tlsKey: 'tls',
  }
}
