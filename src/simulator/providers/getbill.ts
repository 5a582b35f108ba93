import { randomUUID } from 'node:crypto'
import { jsonAnswer } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { bodyMember, bodyProblem, lastSegment } from '../api-routes.ts'
import { refuseEncoding, refuseGrantType, refusePostedClient, refuseScope } from '../client-credentials.ts'
import { simulatedClients } from '../clients.ts'
import { bearerToken } from '../fields.ts'
import type {
  ApiCall,
  ApiRoute,
  Grant,
  ProviderDefinition,
  ProviderRules,
  Surroundings,
  TokenRefusal,
} from '../provider-rules.ts'
import { SlidingWindow } from '../sliding-window.ts'
import { jwtShapedToken, opaqueToken } from '../token-shape.ts'
import type { TokenRequest } from '../token-request.ts'

/** GetBill external API. Documents: docs.getbill.io. */
export const getbill: ProviderDefinition = {
  name: 'getbill',
  // found (rate-limits): a sliding window per OAuth client.
  documentedLimits: { reads_per_hour: 1000, writes_per_hour: 500 },
  rules: getbillRules,
}

const client = simulatedClients.getbill

// found (authentication, and the last two only in the reference of the calls).
const SCOPES = [
  'debts:read',
  'debts:write',
  'followups:read',
  'followups:write',
  'reports:read',
  'company:read',
  'users:read',
  'webhooks:read',
  'debtors:read',
  'creditors:read',
]

const LIFETIME_SECONDS = 3600
const HOUR_SECONDS = 3600

function getbillRules({ nowMs, faults, elsewhereUrl }: Surroundings): ProviderRules {
  const refreshTokens = new Map<string, Grant>()
  const reads = new SlidingWindow(HOUR_SECONDS * 1000)
  const writes = new SlidingWindow(HOUR_SECONDS * 1000)
  const quotaOf = (method: string): { window: SlidingWindow; limit: number | null } =>
    method === 'GET' || method === 'HEAD'
      ? { window: reads, limit: faults().reads_per_hour }
      : { window: writes, limit: faults().writes_per_hour }

  return {
    tokenPath: '/token',
    echoPath: '/external-api/v1/echo',
    lifetimeSeconds: LIFETIME_SECONDS,
    routes: routes(elsewhereUrl, nowMs),

    judgeTokenRequest(request) {
      const grantTypes = faults().refresh_token ? ['client_credentials', 'refresh_token'] : ['client_credentials']
      const scope = request.params.get('scope') ?? ''
      const refusal =
        refuseEncoding(request, ['form']) ??
        refusePostedClient(request, client) ??
        refuseGrantType(request, grantTypes) ??
        refuseScope(scope, SCOPES)
      if (refusal !== undefined) return this.refuseTokenRequest(refusal)
      if (request.params.get('grant_type') === 'client_credentials') return { scope }
      return takeRefreshToken(request, refreshTokens) ?? this.refuseTokenRequest(invalidGrant)
    },

    // seed: the codes of RFC 6749. unknown: their statuses.
    refuseTokenRequest: ({ status, error, description }) => jsonAnswer(status, { error, error_description: description }),

    // found: the shape of a JWT. unknown: its claims.
    mintToken: ({ scope }, { issuedAtSeconds, lifetimeSeconds }) =>
      jwtShapedToken('RS256', {
        aud: client.clientId,
        jti: randomUUID(),
        iat: issuedAtSeconds,
        nbf: issuedAtSeconds,
        exp: issuedAtSeconds + lifetimeSeconds,
        sub: '',
        scopes: scope.split(' ').filter((value) => value !== ''),
      }),

    documentedExpiresIn: (ageSeconds) => Math.max(0, LIFETIME_SECONDS - ageSeconds),

    // unknown: whether client_credentials gets a refresh_token ("Use the refresh token to get a new access token", seed).
    tokenBody: (accessToken, expiresIn, grant) => ({
      token_type: 'Bearer',
      expires_in: expiresIn,
      access_token: accessToken,
      refresh_token: faults().refresh_token ? newRefreshToken(grant, refreshTokens) : undefined,
    }),

    presentedToken: bearerToken,
    refuseCall,

    limitCall(method) {
      const { window, limit } = quotaOf(method)
      if (window.admit(nowMs(), limit)) return undefined
      // found: everything is in the body; no Retry-After is mentioned.
      const freeMs = window.nextFreeMs(nowMs())
      return jsonAnswer(429, {
        error: true,
        message: 'Rate limit exceeded',
        code: 429,
        details: {
          retry_after: Math.ceil((freeMs - nowMs()) / 1000),
          limit,
          reset_time: new Date(freeMs).toISOString(),
        },
      })
    },

    stampFields(method) {
      const { window, limit } = quotaOf(method)
      if (limit === null) return {}
      return {
        'X-RateLimit-Limit': String(limit),
        'X-RateLimit-Remaining': String(Math.max(0, limit - window.count(nowMs()))),
        'X-RateLimit-Reset': String(Math.ceil(window.nextFreeMs(nowMs()) / 1000)),
        'X-RateLimit-Window': String(HOUR_SECONDS),
      }
    },
  }
}

const invalidGrant: TokenRefusal = { status: 400, error: 'invalid_grant', description: 'unknown or used refresh_token' }

// unknown: whether they are good for one use only; that is the stricter reading (RFC 6749 6 allows it).
function takeRefreshToken(request: TokenRequest, refreshTokens: Map<string, Grant>): Grant | undefined {
  const refreshToken = request.params.get('refresh_token') ?? ''
  const grant = refreshTokens.get(refreshToken)
  refreshTokens.delete(refreshToken)
  return grant
}

function newRefreshToken(grant: Grant, refreshTokens: Map<string, Grant>): string {
  const refreshToken = opaqueToken(40)
  refreshTokens.set(refreshToken, grant)
  return refreshToken
}

// found (errors): one envelope; the same 401 for a missing, a bad and an expired token.
function refuseCall(status: number, message?: string): Answer {
  const messages: Record<number, string> = {
    400: 'Bad request',
    401: 'Authentication credentials are missing or invalid',
    403: 'Forbidden',
    404: 'Resource not found',
    405: 'Method not allowed',
    429: 'Rate limit exceeded',
  }
  return jsonAnswer(status, { error: true, message: message ?? messages[status] ?? 'Internal server error', code: status })
}

function routes(elsewhereUrl: string, nowMs: () => number): ApiRoute[] {
  return [
    { method: 'GET', path: '/external-api/v1/debts', scope: 'debts:read', answer: listDebts },
    { method: 'POST', path: '/external-api/v1/debts', scope: 'debts:write', answer: createDebt },
    // found (api-reference/followups): presigned URLs on another host, which must never see a token.
    {
      method: 'GET',
      path: '/external-api/v1/followups/{id}',
      scope: 'followups:read',
      answer: (call) =>
        jsonAnswer(200, {
          error: false,
          message: 'Success',
          data: {
            id: lastSegment(call),
            debt_id: 'debt-1',
            type: 'call',
            audio_url: `${elsewhereUrl}/getbill/audio.mp3?X-Amz-Signature=0123456789abcdef`,
            pdf_url: `${elsewhereUrl}/getbill/letter.pdf?X-Amz-Signature=0123456789abcdef`,
            media_urls_expire_at: new Date(nowMs() + 3_600_000).toISOString(),
          },
        }),
    },
    {
      method: 'GET',
      path: '/external-api/v1/company/credits',
      scope: 'company:read',
      answer: () =>
        jsonAnswer(200, {
          error: false,
          message: 'Success',
          data: { current_credits: 847, subscription: { plan: 'business', status: 'active' } },
        }),
    },
  ]
}

// found (pagination): `page`, and `limit` 20 by default and 100 at most; no links.
function listDebts(call: ApiCall): Answer {
  const page = Number(call.query.get('page') ?? 1)
  const limit = Number(call.query.get('limit') ?? 20)
  if (!Number.isInteger(page) || page < 1) return refuseCall(400, 'page must be a number from 1')
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) return refuseCall(400, 'limit must be a number from 1 to 100')
  return jsonAnswer(200, {
    error: false,
    data: [{ id: 'debt-1', amount: 1250, amount_text: '1250.00', currency: 'EUR', status: 'status.default.in_progress' }],
    pagination: { total: 150, page, limit, pages: Math.ceil(150 / limit) },
  })
}

// found (getbill.io/en/integrations/api): 201.
function createDebt(call: ApiCall): Answer {
  const problem = bodyProblem(call, ['debtor', 'amount', 'currency'])
  if (problem !== undefined) return refuseCall(400, problem)
  return jsonAnswer(201, {
    error: false,
    message: 'Debt created',
    data: {
      id: randomUUID(),
      amount: bodyMember(call, 'amount'),
      currency: bodyMember(call, 'currency'),
      reference: bodyMember(call, 'reference'),
      status: 'status.default.in_progress',
    },
  })
}
