import { randomInt } from 'node:crypto'
import { jsonAnswer } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { segmentAfter } from '../api-routes.ts'
import {
  invalidRequest,
  invalidScope,
  refuseEncoding,
  refuseGrantType,
  refusePostedClient,
  refuseScope,
} from '../client-credentials.ts'
import { simulatedClients } from '../clients.ts'
import { bearerToken, fieldValue } from '../fields.ts'
import type { ApiCall, ApiRoute, ProviderDefinition, ProviderRules, Surroundings, TokenRefusal } from '../provider-rules.ts'
import { opaqueToken } from '../token-shape.ts'

/** Uber for Business receipts. Documents: developer.uber.com. */
export const uber: ProviderDefinition = {
  name: 'uber',
  // seed: 100 token requests per hour; "After generating 100 tokens ..., creating a new token will invalidate the oldest".
  documentedLimits: { token_requests_per_hour: 100, max_live_tokens: 100 },
  rules: uberRules,
}

const client = simulatedClients.uber

// seed: the scope of this API. A scope for people ("not possible to mix") is refused like an unknown one.
const SCOPES = ['business.receipts']

// seed: 30 days.
const LIFETIME_SECONDS = 2_592_000

function uberRules({ faults, tokens, elsewhereUrl }: Surroundings): ProviderRules {
  // seed: "expects requests to be encoded as application/x-www-form-urlencoded or multipart/form-data. JSON encoding is not
  // supported". found-2nd: answered 400.
  const encodings = ['form', 'multipart'] as const
  return {
    tokenPath: '/oauth/v2/token',
    echoPath: '/v1/business/echo',
    lifetimeSeconds: LIFETIME_SECONDS,
    routes: routes(elsewhereUrl),

    judgeTokenRequest(request) {
      const scope = request.params.get('scope') ?? ''
      const refusal =
        refuseEncoding(request, encodings) ??
        refusePostedClient(request, client) ??
        refuseGrantType(request, ['client_credentials', 'refresh_token', 'authorization_code']) ??
        // seed: these tokens cannot be refreshed, and no code is ever issued here.
        (request.params.get('grant_type') === 'client_credentials' ? undefined : invalidGrant(faults().invalid_grant_status)) ??
        // seed: "you must pass the required scopes and not rely on the default scopes behavior".
        (scope === '' ? invalidScope('scope is missing') : refuseScope(scope, SCOPES))
      return refusal === undefined ? { scope } : this.refuseTokenRequest(refusal)
    },

    // seed: `{"error": ...}` and nothing else; the reason is added for the reader.
    refuseTokenRequest: ({ status, error, description }) => jsonAnswer(status, { error, error_description: description }),

    // found (client-credentials-flow): the length of a token varies and will grow.
    mintToken: () => `KA.${opaqueToken(randomInt(150, 400))}`,
    documentedExpiresIn: (ageSeconds) => Math.max(0, LIFETIME_SECONDS - ageSeconds),
    tokenBody: (accessToken, expiresIn, { scope }) => ({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresIn,
      scope,
    }),
    presentedToken: bearerToken,
    refuseCall,

    revocation: {
      path: '/oauth/v2/revoke',
      // found: `token`, and 200 {"message":"OK"}. Client authentication and the 200 for an unknown token: RFC 7009 2.1, 2.2.
      answer(request) {
        const token = request.params.get('token')
        const refusal =
          refuseEncoding(request, encodings) ??
          refusePostedClient(request, client) ??
          (token === undefined ? invalidRequest('token is missing') : undefined)
        if (refusal !== undefined) {
          return jsonAnswer(refusal.status, { error: refusal.error, error_description: refusal.description })
        }
        tokens.revoke(token ?? '')
        return jsonAnswer(200, { message: 'OK' })
      },
    },
  }
}

function invalidGrant(status: 400 | 401): TokenRefusal {
  return { status, error: 'invalid_grant', description: 'unknown refresh_token or code' }
}

// found (references of receipts): the codes. found-2nd: the body of a 401. found: the body of a 429.
function refuseCall(status: number, message?: string): Answer {
  const refusals: Record<number, [code: string, message: string]> = {
    400: ['bad_request', 'Bad request'],
    401: ['unauthorized', 'Invalid OAuth 2.0 credentials provided.'],
    403: ['not_authorized', 'Not authorized'],
    404: ['not_found', 'Not found'],
    405: ['method_not_allowed', 'Method not allowed'],
    429: ['rate_limited', 'Exceeded rate limit'],
  }
  const [code, usualMessage] = refusals[status] ?? ['server_error', 'Server error']
  return jsonAnswer(status, { code, message: message ?? usualMessage })
}

function routes(elsewhereUrl: string): ApiRoute[] {
  const scope = 'business.receipts'
  return [
    {
      method: 'GET',
      path: '/v1/business/trips/{trip_id}/receipt',
      scope,
      answer: (call) =>
        jsonAnswer(200, {
          trip_uuid: segmentAfter(call, 'trips'),
          total_owed: 0,
          transaction_history: [
            { amount: 6.61, currency_code: 'USD', description: 'Trip fare', timestamp: '2025-03-01T10:30:00Z' },
          ],
        }),
    },
    // found, deprecated.
    {
      method: 'GET',
      path: '/v1/business/trips/{trip_id}/receipt/pdf_url',
      scope,
      answer: (call) =>
        jsonAnswer(200, {
          trip_uuid: segmentAfter(call, 'trips'),
          organization_uuid: client.organizationUuid,
          resource_url: `${elsewhereUrl}/uber/receipt.pdf`,
          user_receipt_pdf_url: null,
        }),
    },
    {
      method: 'GET',
      path: '/v1/business/trips/{trip_id}/invoice_urls',
      scope,
      answer: (call) =>
        jsonAnswer(200, {
          trip_uuid: segmentAfter(call, 'trips'),
          invoices: [
            {
              invoice_number: 'INV-0001',
              invoice_date: 'Sat, 01 Mar 2025 10:30:00 GMT',
              resource_url: `${elsewhereUrl}/uber/invoice-0001.pdf`,
            },
          ],
        }),
    },
    { method: 'GET', path: '/v1/business/orders/{order_id}/receipt', scope, answer: orderReceipt },
  ]
}

// found (business-order-order_id-receipt-get): x-uber-organizationuuid is required. unknown: what its absence is answered.
function orderReceipt(call: ApiCall): Answer {
  const organizationUuid = fieldValue(call.fields, 'x-uber-organizationuuid')
  if (organizationUuid === undefined) return refuseCall(400, 'x-uber-organizationuuid is missing')
  if (organizationUuid !== client.organizationUuid) return refuseCall(403, 'x-uber-organizationuuid is another organization')
  return jsonAnswer(200, {
    entities: [{ entity_type: 'RIDER', total: '6.61', currency_code: 'USD' }],
    order_id: segmentAfter(call, 'orders'),
    order_type: 'RIDES',
  })
}
