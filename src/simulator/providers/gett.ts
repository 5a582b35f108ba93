import { randomUUID } from 'node:crypto'
import { AnswerMemory } from '../answer-memory.ts'
import { jsonAnswer } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { bodyProblem, lastSegment, segmentAfter } from '../api-routes.ts'
import { refuseEncoding, refuseGrantType, refusePostedClient, refuseScope } from '../client-credentials.ts'
import { simulatedClients } from '../clients.ts'
import { bearerToken, fieldValue } from '../fields.ts'
import type { ApiCall, ApiRoute, ProviderDefinition, ProviderRules, Surroundings } from '../provider-rules.ts'
import { jwtShapedToken } from '../token-shape.ts'

/** Gett Business API. Documents: developer.gett.com. */
export const gett: ProviderDefinition = {
  name: 'gett',
  // found (docs/introduction): 16 requests per second and account. Whether token requests count is unknown; here they don't.
  documentedLimits: { rate_limit_per_second: 16 },
  rules: gettRules,
}

const client = simulatedClients.gett

// seed: the table of scopes.
const SCOPES = ['order', 'company.reference', 'finance', 'employee']

// found: in the documented token exp - iat is 900, while expires_in says 899.
const LIFETIME_SECONDS = 900
const ANNOUNCED_SECONDS = 899

function gettRules(surroundings: Surroundings): ProviderRules {
  return {
    tokenPath: '/oauth/token',
    echoPath: '/v1/echo',
    lifetimeSeconds: LIFETIME_SECONDS,
    routes: routes(surroundings),

    judgeTokenRequest(request) {
      const scope = request.params.get('scope') ?? ''
      // seed: the document sends multipart. found-2nd: clients that send JSON or a form get their token too.
      const refusal =
        refuseEncoding(request, ['multipart', 'form', 'json']) ??
        refusePostedClient(request, client) ??
        refuseGrantType(request, ['client_credentials']) ??
        refuseScope(scope, SCOPES)
      // found (docs/webhook): without a scope the token is granted, with `"scope": ""`.
      return refusal === undefined ? { scope } : this.refuseTokenRequest(refusal)
    },

    // found-2nd: `invalid_client` as in RFC 6749. Its status is unknown.
    refuseTokenRequest: ({ status, error, description }) => jsonAnswer(status, { error, error_description: description }),

    // found (the sample of docs/webhook, decoded): these claims.
    mintToken: ({ scope }, { issuedAtSeconds, lifetimeSeconds }) =>
      jwtShapedToken('RS256', {
        aud: [],
        exp: issuedAtSeconds + lifetimeSeconds,
        iat: issuedAtSeconds,
        nbf: issuedAtSeconds,
        iss: 'https://global-auth.gett.com',
        jti: randomUUID(),
        sub: client.clientId,
        resource_uuid: client.businessId,
        identifier: client.clientId,
        scp: scope.split(' ').filter((value) => value !== ''),
      }),

    documentedExpiresIn: (ageSeconds) => Math.max(0, ANNOUNCED_SECONDS - ageSeconds),

    // seed: token_type in lower case.
    tokenBody: (accessToken, expiresIn, { scope }) => ({
      access_token: accessToken,
      expires_in: expiresIn,
      scope,
      token_type: 'bearer',
    }),

    presentedToken: bearerToken,
    refuseCall,
  }
}

// unknown: the bodies of all refusals but the 403 of a wrong businessId.
function refuseCall(status: number, message?: string): Answer {
  const errors: Record<number, string> = {
    400: 'bad_request',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'not_found',
    405: 'method_not_allowed',
    429: 'too_many_requests',
  }
  return jsonAnswer(status, { error: errors[status] ?? 'internal_server_error', message })
}

function routes({ elsewhereUrl }: Surroundings): ApiRoute[] {
  // found (docs/ride): X-Request-ID dedupes the creation of orders.
  const created = new AnswerMemory()
  return [
    {
      method: 'POST',
      path: '/v1/products',
      scope: 'order',
      answer: forBusiness(['origin', 'destination'], () =>
        jsonAnswer(200, {
          // found-2nd: the shape of this body. found: image_url is on a static host that needs no token.
          products: {
            transportation: [{ product_id: randomUUID(), name: 'Black Cab', image_url: `${elsewhereUrl}/gett/black-cab.png` }],
          },
        }),
      ),
    },
    {
      method: 'POST',
      path: '/v1/price-estimate',
      scope: 'order',
      answer: forBusiness(['origin', 'destination'], () =>
        jsonAnswer(200, {
          quote_id: randomUUID(),
          currency: '£',
          currency_code: 'GBP',
          price: { value: '12.50', included_tax: true },
        }),
      ),
    },
    {
      method: 'POST',
      path: '/v1/orders',
      scope: 'order',
      answer: forBusiness(['category', 'product_id', 'stops'], (call) =>
        // unknown: 200 or 201.
        created.answerOnce(fieldValue(call.fields, 'x-request-id'), () => jsonAnswer(201, { id: randomUUID() })),
      ),
    },
    {
      method: 'GET',
      path: '/v1/orders/{id}',
      scope: 'order',
      answer: forBusiness([], (call) =>
        jsonAnswer(200, {
          id: lastSegment(call),
          status: 'Routing',
          requested_at: '2025-03-01T09:30:00Z',
          scheduled_at: '2025-03-01T10:00:00Z',
          supplier: { driver: { name: 'A. Driver', image_url: `${elsewhereUrl}/gett/driver.png` } },
        }),
      ),
    },
    // found-2nd.
    {
      method: 'POST',
      path: '/v1/orders/{id}/cancel',
      scope: 'order',
      answer: forBusiness([], (call) => jsonAnswer(200, { id: segmentAfter(call, 'orders'), status: 'Cancelled' })),
    },
    // found (docs/get-orders-by-period): no links in the body.
    {
      method: 'GET',
      path: '/v1/reports',
      scope: 'finance',
      answer: forBusiness([], (call) =>
        jsonAnswer(200, {
          result_size: 1,
          total_orders_in_period: 179,
          limit: Number(call.query.get('limit') ?? 50),
          offset: Number(call.query.get('offset') ?? 0),
          totals: [{ currency_code: 'GBP', value: '2237.50' }],
          orders: [{ id: '6b0b7a52-5d0c-4b57-9a4e-0d8c3c5e9a11', status: 'Completed', price: '12.50' }],
        }),
      ),
    },
    // found (docs/webhook): works with a token without scope.
    {
      method: 'POST',
      path: '/v1/subscribers',
      answer: forBusiness(['hook_address', 'event_types'], () => jsonAnswer(200, { secret_id: randomUUID() })),
    },
  ]
}

// found: businessId is a query parameter of every call.
function forBusiness(members: readonly string[], answer: (call: ApiCall) => Answer): (call: ApiCall) => Answer {
  return (call) => {
    const businessId = call.query.get('businessId')
    // unknown: what a missing one is answered.
    if (businessId === null) return refuseCall(400, 'businessId is missing')
    // found-2nd: the status and these words.
    if (businessId !== client.businessId) return refuseCall(403, "businessId doesn't match JWT's companyUUID")
    const problem = members.length === 0 ? undefined : bodyProblem(call, members)
    return problem === undefined ? answer(call) : refuseCall(400, problem)
  }
}
