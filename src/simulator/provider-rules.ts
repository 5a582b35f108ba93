import type { Answer } from './answer.ts'
import type { ProviderName } from './clients.ts'
import type { Faults, JsonValue } from './fault-table.ts'
import type { Fields } from './fields.ts'
import type { ReceivedBody } from './received-body.ts'
import type { IssuedToken, TokenBook } from './token-book.ts'
import type { TokenRequest } from './token-request.ts'

/** What one provider does its own way. Everything that all five share is in provider.ts. */
export interface ProviderRules {
  /** Path of the token endpoint, below the prefix of the provider. */
  readonly tokenPath: string
  /** Path of the echo call, which is ours and not the provider's. */
  readonly echoPath: string
  /** How long its tokens truly live. */
  readonly lifetimeSeconds: number
  readonly routes: readonly ApiRoute[]
  /** Judges a POST to the token endpoint: what is granted, or the refusal as this provider words it. */
  judgeTokenRequest(request: TokenRequest): Grant | Answer
  /** The refusal of a token request, worded as this provider does. */
  refuseTokenRequest(refusal: TokenRefusal): Answer
  /** A new access token in the shape of this provider's. */
  mintToken(grant: Grant, times: TokenTimes): string
  /** What `expires_in` is when the token is this old. */
  documentedExpiresIn(ageSeconds: number): JsonValue
  /** The members of a token response; an undefined one is left out. */
  tokenBody(accessToken: string, expiresIn: JsonValue | undefined, grant: Grant): Record<string, JsonValue | undefined>
  /** The token that an API call presents; undefined when it presents none in this provider's way. */
  presentedToken(fields: Fields): string | undefined
  /** The refusal of an API call, worded as this provider does. */
  refuseCall(status: CallRefusalStatus, message?: string): Answer
  /** A limit of this provider's own; the answer when the call is over it. Asked for calls with a live token only. */
  limitCall?(method: string): Answer | undefined
  /** Fields that every answer to an API call carries. */
  stampFields?(method: string): Record<string, string>
  /** RFC 7009. */
  readonly revocation?: { readonly path: string; answer(request: TokenRequest): Answer }
}

/** One documented call. */
export interface ApiRoute {
  readonly method: string
  /** Below the prefix of the provider, with `{name}` for a segment that varies. */
  readonly path: string
  /** Scope that the token must hold; none: any token will do. */
  readonly scope?: string
  readonly answer: (call: ApiCall) => Answer
}

/** An API call that presented a live token. */
export interface ApiCall {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly fields: Fields
  readonly body: ReceivedBody
  readonly token: IssuedToken
}

/** What a token request was granted. */
export interface Grant {
  /** Space-separated; may be empty. */
  readonly scope: string
  /** What else ends up inside the token (Getnet's person, Getnet's channel). */
  readonly identity?: Readonly<Record<string, string>>
}

/** When a token was made and how long it is to live. */
interface TokenTimes {
  readonly issuedAtSeconds: number
  readonly lifetimeSeconds: number
}

/** Why a token request is refused: `error` is a code of RFC 6749 5.2 wherever one fits. */
export interface TokenRefusal {
  readonly status: number
  readonly error: string
  readonly description: string
}

/** The statuses with which a provider refuses an API call. */
type CallRefusalStatus = 400 | 401 | 403 | 404 | 405 | 406 | 415 | 429 | 500

/** What a provider's rules may look at. */
export interface Surroundings {
  /** The provider's clock. */
  readonly nowMs: () => number
  readonly faults: () => Faults
  readonly tokens: TokenBook
  /** Base URL of this provider, without a slash at the end. */
  readonly ownUrl: string
  /** Base URL of the host that must never see a token. */
  readonly elsewhereUrl: string
}

/** One provider: its name, the switches that its documents fix, and its rules. */
export interface ProviderDefinition {
  readonly name: ProviderName
  /** Limits that the documents state, as initial values of their switches. */
  readonly documentedLimits: Partial<Faults>
  /** Makes the rules. Called again on reset, so rules may keep state. */
  readonly rules: (surroundings: Surroundings) => ProviderRules
}
