import { randomUUID } from 'node:crypto'
import { AnswerMemory } from '../answer-memory.ts'
import { jsonAnswer, withFields } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { bodyMember, bodyProblem, lastSegment, segmentAfter } from '../api-routes.ts'
import {
  invalidClient,
  invalidRequest,
  refuseEncoding,
  refuseGrantType,
  refusePostedClient,
  refuseScope,
} from '../client-credentials.ts'
import { simulatedClients } from '../clients.ts'
import { bearerToken, fieldValue, mediaType } from '../fields.ts'
import type { Fields } from '../fields.ts'
import type { ApiCall, ApiRoute, ProviderDefinition, ProviderRules, Surroundings, TokenRefusal } from '../provider-rules.ts'
import { opaqueToken } from '../token-shape.ts'
import type { TokenRequest } from '../token-request.ts'

/** GoBiz (Gojek) direct integration. Documents: docs.gobiz.co.id. No limits are documented. */
export const gobiz: ProviderDefinition = { name: 'gobiz', documentedLimits: {}, rules: gobizRules }

const client = simulatedClients.gobiz

// seed: the table of scopes. found-2nd: `openid` and `offline` are refused.
const SCOPES = [
  'partner:outlet:read',
  'partner:outlet:write',
  'gofood:catalog:read',
  'gofood:catalog:write',
  'gofood:order:read',
  'gofood:order:write',
  'promo:food_promo:read',
  'promo:food_promo:write',
  'payment:transaction:read',
  'payment:transaction:write',
  'payment:pop:read',
  'mokapos:library:read',
  'mokapos:transaction:read',
  'mokapos:reporting:read',
  'mokapos:customer:read',
  'mokapos:checkout:write',
  'mokapos:salestype:read',
]

const LIFETIME_SECONDS = 3600

function gobizRules({ faults, ownUrl }: Surroundings): ProviderRules {
  return {
    tokenPath: '/oauth2/token',
    echoPath: '/integrations/echo',
    lifetimeSeconds: LIFETIME_SECONDS,
    routes: routes(ownUrl),

    judgeTokenRequest(request) {
      // seed: "If access level is not provided, no scope is granted to the token." The calls then answer 403.
      const scope = request.params.get('scope') ?? ''
      // seed: the sample is a form.
      const refusal =
        refuseEncoding(request, ['form']) ??
        refuseClient(request, faults().accept_client_secret_post) ??
        refuseGrantType(request, ['client_credentials']) ??
        refuseScope(scope, SCOPES)
      return refusal === undefined ? { scope } : this.refuseTokenRequest(refusal)
    },

    // unknown: as RFC 6749 5.2, which wants the challenge when the client tried Basic.
    refuseTokenRequest({ status, error, description }) {
      const answer = jsonAnswer(status, { error, error_description: description })
      return error === 'invalid_client' ? withFields(answer, { 'WWW-Authenticate': 'Basic realm="gobiz"' }) : answer
    },

    mintToken: () => opaqueToken(48),
    // seed: "Approximate remaining lifetime of the token in seconds."
    documentedExpiresIn: (ageSeconds) => Math.max(0, LIFETIME_SECONDS - ageSeconds),
    tokenBody: (accessToken, expiresIn, { scope }) => ({
      access_token: accessToken,
      expires_in: expiresIn,
      token_type: 'Bearer',
      scope,
    }),
    presentedToken: bearerToken,
    refuseCall,
  }
}

// seed: the parameters are called "Header Parameters", but the sample is `-u id:secret`, and RFC 6749 2.3.1 is cited.
function refuseClient(request: TokenRequest, acceptsPost: boolean): TokenRefusal | undefined {
  if (fieldValue(request.fields, 'authorization') === undefined) {
    return acceptsPost ? refusePostedClient(request, client) : invalidClient('client authentication must be Basic')
  }
  // RFC 6749 2.3: "The client MUST NOT use more than one authentication method in each request."
  if (request.params.has('client_secret')) return invalidRequest('client_secret is in the body as well as in Basic')
  const given = basicCredentials(request.fields)
  const isOurs = given?.clientId === client.clientId && given.clientSecret === client.clientSecret
  return isOurs ? undefined : invalidClient('unknown client, or wrong secret')
}

// RFC 6749 2.3.1: id and secret are form-encoded before they are put into Basic.
function basicCredentials(fields: Fields): { clientId: string; clientSecret: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(fieldValue(fields, 'authorization') ?? '')?.[1]
  const pair = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8'))
  const clientId = formDecoded(pair?.[1] ?? '')
  const clientSecret = formDecoded(pair?.[2] ?? '')
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret }
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

// found: the envelope. found-2nd: the titles.
function refuseCall(status: number, message?: string): Answer {
  const titles: Record<number, string> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    406: 'Not Acceptable',
    415: 'Unsupported Media Type',
    429: 'Too Many Requests',
  }
  const title = titles[status] ?? 'Internal Server Error'
  return jsonAnswer(status, { success: false, errors: [{ message_title: title, message: message ?? title }] })
}

function routes(ownUrl: string): ApiRoute[] {
  const paid = new AnswerMemory()
  const payment = '/integrations/payment/outlets/{outlet_id}'
  return [
    // found: pages by `per` and `page`, no links.
    {
      method: 'GET',
      path: '/integrations/partner/v1/linked-outlets',
      scope: 'partner:outlet:read',
      answer: negotiated(() =>
        jsonAnswer(200, {
          success: true,
          data: {
            outlets: [
              {
                id: 'G000012345',
                external_outlet_id: 'outlet-1',
                created_at: '2025-01-10T02:00:00Z',
                updated_at: '2025-02-01T02:00:00Z',
              },
            ],
          },
        }),
      ),
    },
    {
      method: 'POST',
      path: `${payment}/v2/transactions`,
      scope: 'payment:transaction:write',
      answer: negotiated((call) => {
        // found (create-transaction): required, at most 32 characters. unknown: the status without it.
        const key = fieldValue(call.fields, 'idempotency-key') ?? ''
        if (key === '' || key.length > 32) return refuseCall(400, 'Idempotency-Key must have 1 to 32 characters')
        const problem = bodyProblem(call, ['payment_type', 'transaction_details'])
        return problem === undefined ? paid.answerOnce(key, () => payTransaction(call, ownUrl)) : refuseCall(400, problem)
      }),
    },
    // found-2nd.
    {
      method: 'GET',
      path: `${payment}/v1/transactions/{id}`,
      scope: 'payment:transaction:read',
      answer: negotiated((call) =>
        jsonAnswer(200, { success: true, data: { transaction: { id: lastSegment(call), status: 'pending' } } }),
      ),
    },
    // found-2nd: the QR code is on the API host and wants the token.
    {
      method: 'GET',
      path: `${payment}/v1/transactions/{id}/qr-code`,
      scope: 'payment:transaction:read',
      answer: () => ({ status: 200, fields: { 'Content-Type': 'image/png' }, body: 'not really a QR code' }),
    },
    // found-2nd.
    {
      method: 'PUT',
      path: '/integrations/gofood/outlets/{outlet_id}/v1/catalogs',
      scope: 'gofood:catalog:write',
      answer: negotiated(() => jsonAnswer(200, { success: true, data: {} })),
    },
  ]
}

// found: "possible errors 401, 404, 406, 415".
function negotiated(answer: (call: ApiCall) => Answer): (call: ApiCall) => Answer {
  return (call) => {
    if (!admitsJson(fieldValue(call.fields, 'accept'))) return refuseCall(406, 'only application/json can be answered')
    const isJson = call.body.bytes === 0 || mediaType(call.fields) === 'application/json'
    return isJson ? answer(call) : refuseCall(415, 'the body must be application/json')
  }
}

// RFC 9110 12.5.1: no Accept admits everything, `q=0` nothing.
function admitsJson(accept: string | undefined): boolean {
  if (accept === undefined) return true
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const isJson = type === 'application/json' || type === 'application/*' || type === '*/*'
    return isJson && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}

// found: the body. 200 in the document, 201 in a community SDK.
function payTransaction(call: ApiCall, ownUrl: string): Answer {
  const outlet = segmentAfter(call, 'outlets')
  const id = randomUUID()
  const url = `${ownUrl}/integrations/payment/outlets/${outlet}/v1/transactions/${id}/qr-code`
  return jsonAnswer(200, {
    success: true,
    data: {
      outlet: { id: outlet },
      transaction: {
        id,
        status: 'pending',
        payment_type: bodyMember(call, 'payment_type'),
        transaction_details: bodyMember(call, 'transaction_details'),
      },
      actions: [{ name: 'generate-qr-code', method: 'GET', url }],
    },
  })
}
