import type { Config, Credential } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { shownEndpoint } from '../config/schema/url.ts'
import { atPointer } from '../oauth/json-pointer.ts'
import { createSilentLog } from '../telemetry/log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import { systemClock } from '../tokens/clock.ts'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import { OperationError, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { grantedScope } from './granted-scope.ts'
import { namedCredential } from './named-credential.ts'
import { openTokens } from './open-tokens.ts'
import { useTokens } from './use-tokens.ts'
import { packageVersion } from './version.ts'

/** `bearerd token` */
export const token: Command = {
  name: 'token',
  usage: 'bearerd token CREDENTIAL [-c FILE] [--show] [--json]',
  options: {
    ...configOption,
    show: { type: 'boolean', help: 'print the token itself' },
    json: { type: 'boolean', help: 'print the result as JSON' },
  },
  details:
    'Gets a token as the gateway would: from the token store where there is one that is good, else from the token endpoint,\n' +
    'within the budget. Where gateways share the store they share this token too; the memory store is shared with nobody.\n' +
    'With --show the token is all that is printed on standard output:\n\n' +
    '  curl -H "Authorization: Bearer $(bearerd token gett --show)" https://business-api.gett.com/v1/orders',
  maxPositionals: 1,
  run: async (context) => {
    const [name] = context.positionals
    if (name === undefined) throw new UsageError('say of which credential')
    const config = loadConfig(configFileOf(context), context.env)
    const credential = namedCredential(config, name)
    if (credential.identityFields.length > 0) {
      throw new OperationError(
        `the credential ${name} has a token for each value of ${credential.identityFields.join(', ')} in a request, and here is no request; call one of its routes`,
      )
    }
    const found = await obtainToken(config, credential)
    const facts = factsOf(credential, found)
    const isShown = context.values['show'] === true
    if (context.values['json'] === true) {
      context.stdout(JSON.stringify(isShown ? { ...facts, access_token: found.revealValue() } : facts))
    } else if (isShown) {
      context.stderr(sentenceOf(facts))
      context.stdout(found.revealValue())
    } else context.stdout(sentenceOf(facts))
    return 0
  },
}

/** @throws OperationError when there is none to be had */
async function obtainToken(config: Config, credential: Credential): Promise<AccessToken> {
  const version = packageVersion()
  const own = { ...config, credentials: new Map([[credential.name, credential]]) }
  // What is worth a line in the log is in the error as well.
  const opened = await openTokens(own, { metrics: new Metrics(version), log: createSilentLog(), version })
  try {
    return await useTokens(opened, 'waiting for the token', (tokens) => tokens.of(credential).obtain())
  } catch (error) {
    if (!(error instanceof TokenUnavailableError)) throw error
    throw new OperationError(`${error.message}${remedyOf(error, credential)}`, { cause: error })
  }
}

/** A refusal says its own. */
function remedyOf({ reason, retryAfterMs }: TokenUnavailableError, { token_endpoint }: Credential): string {
  if (reason === 'budget') return `; ask again in ${Math.ceil(retryAfterMs / 1000)} s, or raise token_requests`
  if (reason === 'refused' || token_endpoint === undefined) return ''
  return `; check token_endpoint, ${shownEndpoint(token_endpoint)}, and the way to it`
}

/** What may be told of a token. */
interface TokenFacts {
  readonly credential: string
  readonly fingerprint: string
  /** As the endpoint names it; null when it does not. */
  readonly token_type: string | null
  readonly scope: string | null
  /** RFC 3339. */
  readonly expires: string
  readonly expires_in_seconds: number
  readonly from: 'store' | 'endpoint'
}

function factsOf(credential: Credential, found: AccessToken): TokenFacts {
  const { fingerprint, times, isOwn } = found
  const fields = found.revealFields()
  const type = atPointer(fields, '/token_type')
  return {
    credential: credential.name,
    fingerprint,
    // RFC 6749 7.1: a name, or a URI.
    token_type: typeof type === 'string' && /^[\w.:/-]{1,80}$/.test(type) ? type : null,
    scope: grantedScope(credential, fields),
    expires: new Date(times.expiresAtEpochMs).toISOString(),
    expires_in_seconds: Math.max(Math.floor((times.expiresAtMs - systemClock.nowMs()) / 1000), 0),
    from: isOwn ? 'endpoint' : 'store',
  }
}

function sentenceOf({ credential, fingerprint, token_type, scope, expires, expires_in_seconds, from }: TokenFacts): string {
  const facts = [
    `token ${fingerprint}`,
    ...(token_type === null ? [] : [`type ${token_type}`]),
    ...(scope === null ? [] : [`scope ${scope}`]),
    `good until ${expires} (${expires_in_seconds} s)`,
    from === 'store' ? 'from the token store' : 'new',
  ]
  return `${credential}: ${facts.join(', ')}`
}
