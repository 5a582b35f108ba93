import type { Config, Credential, Route } from '../../config/config.ts'
import { isInFields } from '../../config/injected-fields.ts'
import { isSameConfig } from '../../config/same-config.ts'
import { shownUpstream } from '../../config/schema/upstream.ts'
import { shownEndpoint } from '../../config/schema/url.ts'
import { secretFilesOf } from '../../config/secret-files.ts'
import type { AccessToken } from '../../tokens/access-token.ts'
import type { TokenSources } from '../../tokens/token-sources.ts'
import { askProbe } from '../ask-probe.ts'
import { examineAddress } from './examine-address.ts'
import { examineCallers } from './examine-callers.ts'
import { examineCredential } from './examine-credential.ts'
import { examineFiles } from './examine-files.ts'
import { examineUpstream } from './examine-upstream.ts'
import type { WayLimits } from './examine-way.ts'
import type { Finding, Tell } from './finding.ts'
import type { Subject } from './report.ts'
import type { TokenExchanges } from './watched-grant-request.ts'

/** A part of an examination. */
export interface Section {
  readonly subject: Subject
  readonly run: (tell: Tell) => Promise<readonly Finding[]>
}

/** What is examined, and with what. */
export interface ExaminationParts {
  readonly config: Config
  /** Those credentials, with the routes that use them; undefined for all, with the gateway and the routes that use none. */
  readonly only: ReadonlySet<Credential> | undefined
  readonly tokens: TokenSources
  readonly exchanges: TokenExchanges
  /** How the token store is. */
  readonly store: Finding
  /** Whether what a token request brings is kept where those find it who use the credential. */
  readonly isKept: boolean
  readonly userAgent: string
  readonly limits: Omit<WayLimits, 'tell'>
}

/** The parts of an examination, in the order of the configuration: the gateway, then credentials, then upstreams. */
export function examinationOf(parts: ExaminationParts): readonly Section[] {
  const { config, only } = parts
  const credentials = [...config.credentials.values()].filter((credential) => only?.has(credential) ?? true)
  const routes = config.routes.filter(
    ({ credential }) => only === undefined || (credential !== undefined && only.has(credential)),
  )
  const found = new Map(credentials.map((credential) => [credential, Promise.withResolvers<AccessToken | undefined>()]))
  const tokenOf = async ({ credential }: Route): Promise<AccessToken | undefined> =>
    credential && (await found.get(credential)?.promise)
  return [
    gatewaySection(parts),
    ...credentials.map((credential) => credentialSection(credential, parts, (token) => found.get(credential)?.resolve(token))),
    ...groupsOf(routes).map((group) => upstreamSection(group, parts, tokenOf)),
  ]
}

function gatewaySection({ config, only, store, limits }: ExaminationParts): Section {
  const { admin, listen, token_service } = config
  return {
    subject: { kind: 'gateway', names: [], address: undefined },
    run: async (tell) => {
      if (only !== undefined) return [store]
      tell('listen')
      const answer = askProbe(admin, '/livez', limits.limitMs)
      const isGatewayHere = async (): Promise<boolean> => (await answer).isGood
      return [
        ...(await examineFiles(secretFilesOf(config))),
        await examineAddress('listen', listen, isGatewayHere),
        await examineAddress('admin.listen', admin.listen, isGatewayHere),
        ...(token_service === undefined
          ? []
          : [await examineAddress('token_service.listen', token_service.listen, isGatewayHere)]),
        store,
        examineCallers(config),
      ]
    },
  }
}

function credentialSection(
  credential: Credential,
  { config, tokens, exchanges, isKept, limits }: ExaminationParts,
  onToken: (token: AccessToken | undefined) => void,
): Section {
  const { name, token_endpoint } = credential
  const isUsed = config.routes.some((route) => route.credential === credential) || isGivenOut(credential, config)
  return {
    subject: { kind: 'credential', names: [name], address: token_endpoint && shownEndpoint(token_endpoint) },
    run: async (tell) => {
      try {
        const { findings, token } = await examineCredential(
          credential,
          { tokens, exchanges, isKept, isUsed },
          { ...limits, tell },
        )
        onToken(token)
        return findings
      } finally {
        // Routes may be waiting.
        onToken(undefined)
      }
    },
  }
}

/** Whether the token service gives its tokens to somebody. */
function isGivenOut(credential: Credential, { token_service }: Config): boolean {
  if (token_service === undefined || !isInFields(credential)) return false
  const { callers } = token_service
  return callers === undefined || callers.some(({ credentials }) => credentials?.includes(credential.name) ?? true)
}

type Group = readonly [Route, ...Route[]]

/** Routes to one upstream by one way are one to whoever asks there. */
function groupsOf(routes: readonly Route[]): readonly Group[] {
  const groups: [Route, ...Route[]][] = []
  for (const route of routes) {
    const group = groups.find(([first]) => isSameConfig(wayParts(first), wayParts(route)))
    if (group === undefined) groups.push([route])
    else group.push(route)
  }
  return groups
}

/** With the credential where it has a say in where requests go, or in the clock that counts. */
function wayParts({ upstream, proxy, tls, credential, allowed_hosts }: Route): unknown {
  return { upstream, proxy, tls, allowed_hosts, credential: credential?.name }
}

function upstreamSection(
  group: Group,
  { userAgent, limits }: ExaminationParts,
  tokenOf: (route: Route) => Promise<AccessToken | undefined>,
): Section {
  const [route] = group
  return {
    subject: { kind: 'route', names: group.map(({ label }) => label), address: shownUpstream(route.upstream) },
    run: (tell) => examineUpstream(route, { userAgent, token: () => tokenOf(route) }, { ...limits, tell }),
  }
}
