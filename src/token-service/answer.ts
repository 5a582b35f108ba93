import type { Config } from '../config/config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { TokenSource } from '../tokens/token-source.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import type { Authenticate } from '../proxy/authentication/authenticator.ts'
import { CallerGoneError } from '../proxy/caller/exchange.ts'
import type { Exchange } from '../proxy/caller/exchange.ts'
import { GatewayError } from '../proxy/errors/gateway-error.ts'
import type { CallerCheck } from '../proxy/request/caller-check.ts'
import { callerIdentity } from '../proxy/request/caller-identity.ts'
import { receiveRequest } from '../proxy/request/received-request.ts'
import { tokenFor } from '../proxy/token-choice.ts'
import { askedOf } from './asked.ts'
import { checkCallerMayHave } from './caller-permission.ts'
import { refusedFieldsOf } from './refused-fields.ts'
import type { RefusedFields } from './refused-fields.ts'
import { replacementFor } from './replacement.ts'
import type { TokenServiceConfig } from './token-service-config.ts'

/** What answering needs; made once per configuration. */
export interface AnswerParts {
  readonly config: TokenServiceConfig
  readonly callerCheck: CallerCheck
  /** Undefined where every program of this machine may have tokens. */
  readonly authenticate: Authenticate | undefined
  readonly credentials: Config['credentials']
  readonly tokens: Pick<TokenSources, 'of'>
  readonly metrics: Metrics
}

/**
 * Answers one request of the token service with the fields that carry a token.
 * @throws GatewayError when there is none to be had, or not by this request; CallerGoneError when there is nobody left to answer
 */
export async function answer(exchange: Exchange, parts: AnswerParts): Promise<void> {
  const { config, tokens, metrics } = parts
  const received = receiveRequest(exchange.request, config.limits, exchange.expectsContinue)
  exchange.path = received.target.path
  exchange.query = received.target.query
  parts.callerCheck(received)
  const known = await parts.authenticate?.(received.fields, exchange.request.socket)
  exchange.caller = known?.caller.name

  const asked = askedOf(received, parts.credentials)
  const { operation, credential } = asked
  exchange.metrics = metrics.forTokenService(operation, credential.name)
  if (known !== undefined) checkCallerMayHave(known, asked, config.token_service.callers ?? [])
  const refused = operation === 'reject' ? refusedFieldsOf(credential, received.fields) : undefined
  const source = tokens.of(credential, callerIdentity(credential, received))
  const token = refused === undefined ? await tokenFor(exchange, source) : await otherToken(exchange, source, refused)
  if (exchange.isGone) throw new CallerGoneError()
  give(exchange, token)
}

/** @throws GatewayError `no_new_token` */
async function otherToken(exchange: Exchange, source: TokenSource, refused: RefusedFields): Promise<AccessToken> {
  exchange.tokenWay = 'wait'
  const replacement = await replacementFor(source, refused)
  if (replacement.token !== undefined) return replacement.token
  throw new GatewayError('no_new_token', `not renewed: ${replacement.why}; answer with the refusal of the upstream`, {
    // RFC 6750 3.1; nginx passes it on to its own caller.
    challenge: 'Bearer realm="bearerd", error="invalid_token"',
  })
}

function give({ response }: Exchange, token: AccessToken): void {
  response.writeHead(200, [...token.reveal().fields, 'Cache-Control', 'no-store', 'Content-Length', '0'])
  response.end()
}
