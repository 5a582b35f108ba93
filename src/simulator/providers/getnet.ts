import { randomUUID } from 'node:crypto'
import { jsonAnswer } from '../answer.ts'
import type { Answer } from '../answer.ts'
import { bodyMember, bodyProblem, lastSegment, segmentAfter } from '../api-routes.ts'
import { simulatedClients } from '../clients.ts'
import { fieldValue, mediaType } from '../fields.ts'
import type { Fields } from '../fields.ts'
import type { ApiCall, ApiRoute, ProviderDefinition, ProviderRules, TokenRefusal } from '../provider-rules.ts'
import { isJsonObject } from '../received-body.ts'
import { jwtShapedToken } from '../token-shape.ts'

/**
 * Getnet Authentication API and onboarding (Brazil). Documents: docs.globalgetnet.com. Of Getnet's four dialects this is the
 * one without a grant_type, with credentials in header fields and the raw token in Authorization. No limits are documented.
 */
export const getnet: ProviderDefinition = { name: 'getnet', documentedLimits: {}, rules: () => getnetRules() }

const client = simulatedClients.getnet

// seed: "all required (can be sent as empty string)".
const BODY_MEMBERS = ['branch', 'login', 'name', 'enrollment_number'] as const

const LIFETIME_SECONDS = 3600

function getnetRules(): ProviderRules {
  return {
    tokenPath: '/v1/token',
    echoPath: '/v1/echo',
    lifetimeSeconds: LIFETIME_SECONDS,
    routes,

    judgeTokenRequest(request) {
      const refusal = refuseHeader(request.fields) ?? refuseBody(request.json) ?? refuseClient(request.fields)
      if (refusal !== undefined) return refusal
      const person = BODY_MEMBERS.map((member) => [member, bodyText(request.json, member)] as const)
      const identity = { channel: client.channel, ...Object.fromEntries(person) }
      return { scope: fieldValue(request.fields, 'scope') ?? '', identity }
    },

    refuseTokenRequest,

    // found-2nd (a sample, decoded): the person is inside the token, expires_in is a string, and there is no exp.
    mintToken: ({ scope, identity }, { issuedAtSeconds, lifetimeSeconds }) =>
      jwtShapedToken('HS256', {
        iss: 'getnet',
        iat: issuedAtSeconds,
        expires_in: String(lifetimeSeconds),
        access_token: randomUUID(),
        scope,
        ...identity,
      }),

    // seed: "a numeric string representing seconds".
    documentedExpiresIn: (ageSeconds) => String(Math.max(0, LIFETIME_SECONDS - ageSeconds)),
    // seed: two members, no token_type.
    tokenBody: (accessToken, expiresIn) => ({ access_token: accessToken, expires_in: expiresIn }),
    // seed: the raw token, so `Bearer TOKEN` is a token that nobody issued: 401.
    presentedToken: (fields) => fieldValue(fields, 'authorization'),
    refuseCall: (status, message) => (status === 401 ? unauthorized : envelope(status, nameOf(status), nameOf(status), message)),
  }
}

// seed: 400 for "a required header is missing, empty, or has an invalid value".
function refuseHeader(fields: Fields): Answer | undefined {
  for (const name of ['channel', 'scope']) {
    const value = fieldValue(fields, name)
    if (value === undefined) return headerValidation(name, `"${name}" is required`)
    if (value === '') return headerValidation(name, `"${name}" is not allowed to be empty`)
  }
  if (mediaType(fields) !== 'application/json') return headerValidation('Content-Type', '"Content-Type" must be application/json')
  // unknown: how a channel is refused that onboarding did not define.
  if (fieldValue(fields, 'channel') !== client.channel) return headerValidation('channel', '"channel" is not known')
  return undefined
}

// seed: "What is not allowed is to omit them or send them as null", and 400 when "a body field is not allowed".
function refuseBody(json: unknown): Answer | undefined {
  if (!isJsonObject(json)) return bodyValidation('body', '"body" must be an object')
  for (const member of BODY_MEMBERS) {
    if (json[member] === undefined) return bodyValidation(member, `"${member}" is required`)
    if (typeof json[member] !== 'string') return bodyValidation(member, `"${member}" must be a string`)
  }
  const extra = Object.keys(json).find((member) => !BODY_MEMBERS.some((known) => known === member))
  return extra === undefined ? undefined : bodyValidation(extra, `"${extra}" is not allowed`)
}

// seed: the table answers 400 to a missing required header, and 401 to "invalid or missing" credentials. The second is the
// more specific of the two, so that is what a missing client_id or client_secret gets.
function refuseClient(fields: Fields): Answer | undefined {
  const isKnown = fieldValue(fields, 'client_id') === client.clientId
  return isKnown && fieldValue(fields, 'client_secret') === client.clientSecret ? undefined : unauthorized
}

function bodyText(json: unknown, member: string): string {
  return isJsonObject(json) && typeof json[member] === 'string' ? json[member] : ''
}

function refuseTokenRequest({ status, description }: TokenRefusal): Answer {
  return status === 401 ? unauthorized : envelope(status, nameOf(status), nameOf(status), description)
}

function headerValidation(name: string, detail: string): Answer {
  return envelope(400, 'HeaderValidation', 'Bad Request', detail, `${name} is invalid`)
}

// unknown: the name; the envelope is that of HeaderValidation.
function bodyValidation(name: string, detail: string): Answer {
  return envelope(400, 'BodyValidation', 'Bad Request', detail, `${name} is invalid`)
}

// seed: the envelope, with these members in this order.
function envelope(status: number, name: string, message: string, detail = message, description = message): Answer {
  return jsonAnswer(status, {
    status_code: status,
    name,
    message,
    details: [{ status: 'DENIED', error_code: `GENERIC-${status}`, description, description_detail: detail }],
  })
}

// seed: for credentials. unknown: the body of a 401 at a resource; probably the same.
const unauthorized = envelope(401, 'Unauthorized', 'Unauthorized', 'CODE 01')

function nameOf(status: number): string {
  const names: Record<number, string> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    413: 'Payload Too Large',
    429: 'Too Many Requests',
    503: 'Service Unavailable',
  }
  return names[status] ?? 'Internal Server Error'
}

// seed: "oob" is the scope of the sample; another one is granted and then refused at these calls (403).
const scope = 'oob'

const routes: readonly ApiRoute[] = [
  // found-2nd.
  {
    method: 'GET',
    path: '/v1/offerings',
    scope,
    answer: (call) =>
      jsonAnswer(200, [
        { offering_id: 'offering-1', name: 'POS rental', channel: call.query.get('channel'), country: call.query.get('country') },
      ]),
  },
  // found (onboarding, from here on). unknown: the bodies, apart from the names of the ids.
  {
    method: 'GET',
    path: '/v1/merchants',
    scope,
    answer: (call) =>
      jsonAnswer(200, [
        { merchant_id: 'merchant-1', merchant_legal_data: { legal_document_number: call.query.get('legal_document_number') } },
      ]),
  },
  { method: 'POST', path: '/v1/merchants', scope, answer: withMembers([], () => jsonAnswer(201, { merchant_id: randomUUID() })) },
  {
    method: 'GET',
    path: '/v1/merchants/{merchant_id}',
    scope,
    answer: (call) => jsonAnswer(200, { merchant_id: lastSegment(call), acquirer_code: 'getnet', merchant_legal_data: {} }),
  },
  {
    method: 'POST',
    path: '/v1/orders',
    scope,
    answer: withMembers(['merchant', 'items'], () => jsonAnswer(201, { order_id: randomUUID() })),
  },
  {
    method: 'PUT',
    path: '/v1/orders/{order_id}',
    scope,
    answer: withMembers([], (call) => jsonAnswer(200, { order_id: lastSegment(call), items: bodyMember(call, 'items') })),
  },
  {
    method: 'POST',
    path: '/v1/orders/{order_id}/validation',
    scope,
    answer: (call) => jsonAnswer(200, { order_id: segmentAfter(call, 'orders'), valid: true }),
  },
  {
    method: 'PUT',
    path: '/v1/orders/{order_id}/submit',
    scope,
    answer: (call) => jsonAnswer(200, { order_id: segmentAfter(call, 'orders'), status: 'SUBMITTED' }),
  },
]

function withMembers(members: readonly string[], answer: (call: ApiCall) => Answer): (call: ApiCall) => Answer {
  return (call) => {
    const problem = bodyProblem(call, members)
    return problem === undefined ? answer(call) : envelope(400, 'BodyValidation', 'Bad Request', problem)
  }
}
