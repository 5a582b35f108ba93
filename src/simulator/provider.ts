import type { IncomingMessage, ServerResponse } from 'node:http'
import { jsonAnswer, sendAnswer, sendHalfAnswer, staysOpenFor, withFields } from './answer.ts'
import type { Answer } from './answer.ts'
import { answerFromRoutes } from './api-routes.ts'
import { invalidRequest } from './client-credentials.ts'
import type { ProviderName } from './clients.ts'
import { FaultSwitches } from './fault-switches.ts'
import type { JsonValue } from './fault-table.ts'
import { receivedFields } from './fields.ts'
import type { Fields } from './fields.ts'
import type { Grant, ProviderDefinition, ProviderRules } from './provider-rules.ts'
import { readBody } from './received-body.ts'
import type { ReceivedBody } from './received-body.ts'
import { SlidingWindow } from './sliding-window.ts'
import { TokenBook } from './token-book.ts'
import type { IssuedToken } from './token-book.ts'
import { playTokenFault } from './token-fault.ts'
import { readTokenRequest } from './token-request.ts'
import type { TokenRequest } from './token-request.ts'

/** What a provider has counted since it was started or reset. */
export interface ProviderStats {
  readonly tokenRequests: number
  /** Token requests whose answer held no good token, whatever the reason. */
  readonly tokenRequestsRefused: number
  readonly apiRequests: number
  /** API requests answered 401. */
  readonly apiRefused: number
  /** Tokens that are good at this moment. */
  readonly liveTokens: number
}

/** Where a provider is and what time it is, without its own `clock_offset_seconds`. */
export interface ProviderPlace {
  readonly nowMs: () => number
  readonly ownUrl: string
  readonly elsewhereUrl: string
}

/** The request target below the prefix of the provider. */
export interface Target {
  readonly path: string
  readonly query: URLSearchParams
}

/** Longer bodies are counted, not examined. */
const EXAMINED_BODY_BYTES = 1024 * 1024

const HOUR_MS = 3_600_000
const SECOND_MS = 1000

/** One simulated provider: the flow that all five share. What differs between them is in their rules. */
export class Provider {
  readonly name: ProviderName
  readonly faults: FaultSwitches
  readonly #definition: ProviderDefinition
  readonly #place: ProviderPlace
  #state: ProviderState

  constructor(definition: ProviderDefinition, place: ProviderPlace) {
    this.name = definition.name
    this.faults = new FaultSwitches(definition.name, definition.documentedLimits)
    this.#definition = definition
    this.#place = place
    this.#state = this.#freshState()
  }

  get stats(): ProviderStats {
    return { ...this.#state.counts, liveTokens: this.#state.tokens.liveCount(this.#nowMs()) }
  }

  /** Kills every token; returns how many lived. */
  revokeAll(): number {
    return this.#state.tokens.revokeAll(this.#nowMs())
  }

  /** As if it had just been started: no token, no counts, no memory of calls, faithful. */
  reset(): void {
    this.faults.reset()
    this.#state = this.#freshState()
  }

  /**
   * Answers one request, or fails to in the way that is switched on.
   * @throws when the connection ends before the request does.
   */
  async handle(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { rules } = this.#state
    if (target.path === rules.tokenPath) return await this.#handleTokenRequest(request, response)
    if (target.path === rules.revocation?.path) {
      return sendAnswer(response, this.#answerRevocation(await readTokenRequest(request)))
    }
    return await this.#handleCall(request, response, target)
  }

  async #handleTokenRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { counts, rules } = this.#state
    counts.tokenRequests += 1
    const tokenRequest = await readTokenRequest(request)
    if (!(await staysOpenFor(response, this.faults.current.token_delay_ms))) return
    const fault = this.faults.takeTokenFault()
    if (fault !== 'none') {
      counts.tokenRequestsRefused += 1
      return playTokenFault(fault, response, rules, this.#place.elsewhereUrl)
    }
    const answer = this.#answerTokenRequest(tokenRequest)
    if (answer.status !== 200) counts.tokenRequestsRefused += 1
    // RFC 6749 5.1.
    sendAnswer(response, withFields(answer, { 'Cache-Control': 'no-store', Pragma: 'no-cache' }))
  }

  #answerTokenRequest(request: TokenRequest): Answer {
    const { rules, tokenRequestsOfHour } = this.#state
    const malformed = this.#refuseMalformed(request)
    if (malformed !== undefined) return malformed
    const judged = rules.judgeTokenRequest(request)
    if ('status' in judged) return judged
    // unknown, for all of the providers: whether refused requests count. Here they don't.
    if (!tokenRequestsOfHour.admit(this.#nowMs(), this.faults.current.token_requests_per_hour)) {
      return rules.refuseTokenRequest({ status: 429, error: 'too_many_requests', description: 'token requests per hour' })
    }
    const token = this.#issueToken(judged)
    return jsonAnswer(200, rules.tokenBody(token.value, this.#announcedExpiresIn(token), judged))
  }

  #answerRevocation(request: TokenRequest): Answer {
    const { rules } = this.#state
    return this.#refuseMalformed(request) ?? rules.revocation?.answer(request) ?? rules.refuseCall(404)
  }

  #refuseMalformed({ method, problem }: TokenRequest): Answer | undefined {
    const { rules } = this.#state
    if (method !== 'POST') {
      const refusal = { ...invalidRequest('the method must be POST'), status: 405 }
      return withFields(rules.refuseTokenRequest(refusal), { Allow: 'POST' })
    }
    return problem === undefined ? undefined : rules.refuseTokenRequest(invalidRequest(problem))
  }

  #issueToken(grant: Grant): IssuedToken {
    const { rules, tokens } = this.#state
    const { same_token: isSame, max_live_tokens: maxLive, lifetime_seconds: lifetime } = this.faults.current
    const grantKey = JSON.stringify(grant)
    const nowMs = this.#nowMs()
    const earlier = isSame ? tokens.findByGrant(grantKey, nowMs) : undefined
    if (earlier !== undefined) return earlier
    const lifetimeSeconds = lifetime ?? rules.lifetimeSeconds
    const value = rules.mintToken(grant, { issuedAtSeconds: Math.floor(nowMs / SECOND_MS), lifetimeSeconds })
    const token = { value, scope: grant.scope, grantKey, issuedAtMs: nowMs, expiresAtMs: nowMs + lifetimeSeconds * SECOND_MS }
    tokens.enter(token, maxLive)
    return token
  }

  #announcedExpiresIn({ issuedAtMs }: IssuedToken): JsonValue | undefined {
    const { expires_in: switched } = this.faults.current
    if (switched !== undefined) return switched ?? undefined
    return this.#state.rules.documentedExpiresIn(Math.floor((this.#nowMs() - issuedAtMs) / SECOND_MS))
  }

  async #handleCall(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    const { counts, rules } = this.#state
    counts.apiRequests += 1
    const body = await readBody(request, EXAMINED_BODY_BYTES, target.path === rules.echoPath)
    const { api_fault: fault, api_delay_ms: delayMs } = this.faults.current
    if (!(await staysOpenFor(response, delayMs)) || fault === 'hang') return
    if (fault === 'drop') return void response.destroy()
    const method = request.method ?? ''
    const answer = fault === '500' ? rules.refuseCall(500) : this.#answerCall(request, target, body)
    if (answer.status === 401) counts.apiRefused += 1
    const stamped = withFields(answer, rules.stampFields?.(method) ?? {})
    return fault === 'drop_after_head' ? sendHalfAnswer(response, stamped) : sendAnswer(response, stamped)
  }

  #answerCall(request: IncomingMessage, { path, query }: Target, body: ReceivedBody): Answer {
    const { rules, callsOfSecond } = this.#state
    const method = request.method ?? ''
    const fields = receivedFields(request)
    const token = this.#acceptedToken(fields, path)
    // unknown, for all of the providers: a WWW-Authenticate field. None of them documents one.
    if (token === undefined) return rules.refuseCall(401)
    if (!callsOfSecond.admit(this.#nowMs(), this.faults.current.rate_limit_per_second)) return rules.refuseCall(429)
    const overLimit = rules.limitCall?.(method)
    if (overLimit !== undefined) return overLimit
    if (path === rules.echoPath) return echoAnswer(request, fields, body)
    return answerFromRoutes(rules, { method, path, query, fields, body, token })
  }

  #acceptedToken(fields: Fields, path: string): IssuedToken | undefined {
    const { api_401: isRefused, api_401_paths: refusedPaths } = this.faults.current
    if (isRefused || refusedPaths.some((refused) => isAtOrBelow(path, refused))) return undefined
    const presented = this.#state.rules.presentedToken(fields)
    return presented === undefined ? undefined : this.#state.tokens.find(presented, this.#nowMs())
  }

  #nowMs(): number {
    return this.#place.nowMs() + this.faults.current.clock_offset_seconds * SECOND_MS
  }

  #freshState(): ProviderState {
    const tokens = new TokenBook()
    const { ownUrl, elsewhereUrl } = this.#place
    const nowMs = (): number => this.#nowMs()
    const rules = this.#definition.rules({ nowMs, faults: () => this.faults.current, tokens, ownUrl, elsewhereUrl })
    return {
      rules,
      tokens,
      counts: { tokenRequests: 0, tokenRequestsRefused: 0, apiRequests: 0, apiRefused: 0 },
      tokenRequestsOfHour: new SlidingWindow(HOUR_MS),
      callsOfSecond: new SlidingWindow(SECOND_MS),
    }
  }
}

interface ProviderState {
  readonly rules: ProviderRules
  readonly tokens: TokenBook
  readonly counts: { -readonly [K in Exclude<keyof ProviderStats, 'liveTokens'>]: number }
  readonly tokenRequestsOfHour: SlidingWindow
  readonly callsOfSecond: SlidingWindow
}

function isAtOrBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}

// What the provider received, for whoever tests what stands in between. The token itself is never shown.
function echoAnswer(request: IncomingMessage, fields: Fields, body: ReceivedBody): Answer {
  return jsonAnswer(200, {
    method: request.method,
    target: request.url,
    headers: fields.map(([name, value]) => [name, name.toLowerCase() === 'authorization' ? '***' : value]),
    body_bytes: body.bytes,
    body_sha256: body.sha256,
  })
}
