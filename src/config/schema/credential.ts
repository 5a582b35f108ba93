import { z } from 'zod'
import {
  duration,
  fieldName,
  flag,
  jsonTemplate,
  oneOf,
  pattern,
  pointer,
  secret,
  strictObject,
  template,
  text,
  timerDuration,
  variable,
  wholeNumber,
} from './values.ts'
import { egressProxy } from './proxy.ts'
import { clientTls } from './tls.ts'
import { endpointUrl, issuerIdentifier, redirectUri } from './url.ts'
import { parseDuration } from '../quantities.ts'
import { signingAlgorithms } from '../signing-key.ts'
import type { Template } from '../template.ts'
import { asProblem } from './problem-code.ts'

/** Client authentication methods (RFC 6749 2.3, names of the IANA registry that RFC 7591 set up). */
export const clientAuthenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'none',
] as const

const seconds = 1_000
const minutes = 60 * seconds
const hours = 60 * minutes

/** A share of a token's life, or a fixed time before its end. */
export type RenewBefore = { readonly share: number } | { readonly ms: number }

const renewBefore = z
  .string({ error: 'expected a share or a duration; for example 10% or 30s' })
  .transform((value, context): RenewBefore => {
    const share = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1]
    const ms = parseDuration(value)
    if (share !== undefined && Number(share) > 0 && Number(share) <= 90) return { share: Number(share) / 100 }
    if (ms !== undefined) return { ms }
    context.addIssue('not a share (up to 90%) or a duration; write it as 10% or 30s')
    return z.NEVER
  })
  .meta({ shown: ['10%', '30s'] })

/** Where the token goes: a field, or a parameter of the query. */
export type InjectTarget =
  { readonly header: string; readonly value: Template } | { readonly query: string; readonly value: Template }

const injectTarget = strictObject({
  header: fieldName.optional(),
  query: text('a parameter name', 'access_token').optional(),
  value: template,
}).transform(({ header, query, value }, context): InjectTarget => {
  // With an unknown key among them, what was meant is said there.
  if (context.issues.length > 0) return z.NEVER
  if (header !== undefined && query === undefined) return { header, value }
  if (query !== undefined && header === undefined) return { query, value }
  context.addIssue({
    code: 'custom',
    message: 'the token goes into one place; write either {header: NAME, value: TEMPLATE} or {query: NAME, value: TEMPLATE}',
    params: asProblem('conflicting_keys'),
  })
  return z.NEVER
})

/** What templates can name anyway: a variable of such a name would never be used. */
const takenNames: readonly string[] = ['access_token', 'assertion', 'client_id', 'client_secret', 'scope', 'token_endpoint']

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'not a variable name; use letters, digits and _' })
  .refine((name) => !takenNames.includes(name), {
    error: 'in a template this name means something else already; choose another name',
    params: asProblem('reserved_name'),
  })

const plainValue = z.union([z.string(), z.number(), z.boolean()], {
  error: 'expected a text, a number, true or false; write one of them',
})

const rejectedWhen = strictObject({
  status: wholeNumber(100, 599).optional().describe('The status of the answer.'),
  header: z
    .record(fieldName, pattern)
    .optional()
    .describe('Fields of the answer, each with a regular expression it must match.')
    .meta({ shown: [{ 'WWW-Authenticate': 'invalid_token' }] }),
  json: z
    .record(
      pointer,
      z
        .array(plainValue.transform(String), { error: 'expected a list of values; for example ["601", "602"]' })
        .min(1, { error: 'an empty list would never match; name a value' }),
      { error: 'expected JSON Pointers with lists of values; for example {/errors/0/code: ["601", "602"]}' },
    )
    .refine((values) => Object.keys(values).length > 0, {
      error: 'nothing to look for; name a place and its values, such as {/errors/0/code: ["601"]}',
    })
    .optional()
    .describe(
      'Places in a JSON answer (RFC 6901), each with the values that match; compared as strings. Makes bearerd read the answer: up to 64 KiB of text that is not compressed, for 2s at most.',
    )
    .meta({ shown: [{ '/errors/0/code': ['601', '602'] }] }),
  body: pattern
    .refine(({ source }) => source !== '(?:)', { error: 'an empty pattern matches every body; write what a refusal says' })
    .optional()
    .describe('A regular expression that the body of the answer must match. Read as for `json`.'),
})

/**
 * `credentials.NAME`, after a preset has been laid under it: every key, with its default and what it means.
 * @param env where `{env: NAME}` secrets are looked up
 */
export function credentialSchema(env: Readonly<NodeJS.ProcessEnv>) {
  const secretValue = secret(env)
  return strictObject({
    provider: text('the name of a preset', 'gett').optional().describe('Preset that supplies defaults for every other key.'),
    environment: text("one of the preset's environments", 'sandbox')
      .optional()
      .describe("Which of the preset's environments to use (its hosts); the preset's own default is production."),
    token_endpoint: endpointUrl
      .optional()
      .describe('URL of the token endpoint (RFC 6749 3.2); required unless grant_type is self_signed.'),
    authorization_endpoint: endpointUrl
      .optional()
      .describe('URL of the authorization endpoint (RFC 6749 3.1), where bearerd login asks for the first refresh token.'),
    issuer: issuerIdentifier
      .optional()
      .describe(
        'Issuer identifier of the provider (RFC 8414 2): an answer to bearerd login that names another is refused (RFC 9207).',
      ),
    redirect_uri: redirectUri
      .default('http://127.0.0.1:0/callback')
      .describe('Where bearerd login waits for the answer (RFC 8252 7.3); port 0 means any that is free.'),
    insecure_http: flag
      .default(false)
      .describe(
        'Allows http:// for a token or authorization endpoint that is not on this machine. The client secret then crosses the network in clear text.',
      ),
    grant_type: text('a grant type', 'client_credentials')
      .default('client_credentials')
      .describe(
        'How a token is asked for: client_credentials (RFC 6749 4.4), password (4.3), refresh_token (6), urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 2.1), ' +
          'what else the provider wants to see as grant_type; or self_signed: the assertion itself is the token.',
      ),
    token_endpoint_auth_method: oneOf(clientAuthenticationMethods)
      .default('client_secret_basic')
      .describe('How bearerd proves who it is at the token endpoint (RFC 6749 2.3, RFC 7523 2.2, RFC 8705 2.1).'),
    client_id: secretValue.optional().describe('Client identifier (RFC 6749 2.2).'),
    client_secret: secretValue.optional().describe('Client secret (RFC 6749 2.3.1).'),
    client_secret_next: secretValue
      .optional()
      .describe(
        'The secret that follows in a rotation: tried when the token endpoint refuses the client, and used from then on.',
      ),
    scope: z
      .union([z.string(), z.array(z.string({ error: 'expected a scope; quote it' }))], {
        error: 'expected scopes; write "order finance" or a list',
      })
      .optional()
      .describe('Scopes to ask for (RFC 6749 3.3); none is sent when absent.')
      .meta({ shown: ['orders.read orders.write', ['orders.read', 'orders.write']] }),
    scope_delimiter: z.string().default(' ').describe('What stands between the scopes of a list.'),
    audience: text('an audience', 'https://api.example.com').optional().describe('Sent as the parameter audience.'),
    resource: text('a resource', 'https://api.example.com').optional().describe('Sent as the parameter resource (RFC 8707).'),
    variables: z
      .record(variableName, variable(env))
      .default({})
      .describe('Further named values for templates; treated as secrets.')
      .meta({ shown: [{ channel: '${GETNET_CHANNEL}' }] }),
    token_request: tokenRequest(env)
      .prefault({})
      .describe('What the token request looks like, where it is not the standard form.'),
    token_response: tokenResponse
      .prefault({})
      .describe('Where the token response keeps what, where it is not the standard form.'),
    inject: z
      .union(
        [
          injectTarget,
          z.array(injectTarget).min(1, { error: 'an empty list puts the token nowhere; name a field or parameter' }),
        ],
        {
          error:
            'expected where the token goes; write {header: NAME, value: TEMPLATE}, {query: NAME, value: TEMPLATE} or a list of them',
        },
      )
      .prefault({ header: 'Authorization', value: 'Bearer {access_token}' })
      .transform((value) => (Array.isArray(value) ? value : [value]))
      .describe('How the token goes onto the request (RFC 6750 2.1 unless said otherwise).')
      .meta({ shown: [{ header: 'X-Access-Token', value: '{access_token}' }] }),
    renew_before: renewBefore
      .optional()
      .describe('How long before its expiry a token is renewed: a share of its life or a duration. Default: 10%, at most 5m.'),
    rejected_when: z
      .array(rejectedWhen, { error: 'expected a list of matches; for example [{status: 401}]' })
      .min(1, { error: 'an empty list would never match; remove it or name a match' })
      .default([{ status: 401, header: undefined, json: undefined, body: undefined }])
      .describe('Answers that mean "the token was refused": all of one entry must match, any entry is enough.')
      .meta({ shown: [[{ status: 401 }, { status: 200, json: { '/errors/0/code': ['601', '602'] } }]] }),
    min_reissue_interval: duration
      .default(0)
      .describe('A refusal of a token younger than this is passed on and causes no token request.'),
    token_requests: strictObject({
      limit: wholeNumber(1).describe('Token requests allowed in one window.'),
      window: duration
        .refine((ms) => ms > 0, { error: 'the window is empty; write how long it is, such as 1h' })
        .describe('Length of the sliding window.'),
    })
      .optional()
      .describe("The provider's limit on token requests; bearerd stays within it.")
      .meta({ shown: [{ limit: 100, window: '1h' }] }),
    keep_warm: flag.default(false).describe('Gets the token at the start and renews it even when nobody uses it.'),
    revoke_on_shutdown: flag
      .default(false)
      .describe('Hands the token back at the end (RFC 7009), for providers that limit how many live at a time.'),
    revocation_endpoint: endpointUrl
      .optional()
      .describe('Where tokens are handed back (RFC 7009 2); asked with the same client authentication.'),
  })
}

function tokenRequest(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    method: oneOf(['POST', 'GET', 'PUT']).default('POST').describe('Method of the token request.'),
    encoding: oneOf(['form', 'multipart', 'json', 'query', 'none'])
      .default('form')
      .describe('How the parameters travel; "query" puts them into the URL, "none" sends none.'),
    headers: z
      .record(fieldName, template)
      .default({})
      .describe('Further fields of the token request.')
      .meta({ shown: [{ 'X-Api-Key': '${API_KEY}' }] }),
    query: z
      .record(z.string(), template)
      .default({})
      .describe("Further parameters of the token request's URL.")
      .meta({ shown: [{ version: '2' }] }),
    params: z
      .record(z.string(), jsonTemplate)
      .default({})
      .describe('Further parameters; null removes a default one (grant_type, scope, ...), "" is sent as it is.')
      .meta({ shown: [{ account_id: '{account_id}', grant_type: null }] }),
    basic_encoding: oneOf(['form', 'raw', 'base64'])
      .default('form')
      .describe('How client_id and client_secret are encoded inside Basic: form (RFC 6749 2.3.1), raw, or base64 each.'),
    timeout: timerDuration(1)
      .default(10 * seconds)
      .describe('Deadline for the whole token request, from connecting to the last byte of the answer.'),
    assertion: assertion(env)
      .optional()
      .describe('A signed JWT (RFC 7523) that proves the client, is the grant, stands in a template, or is the token itself.'),
    tls: clientTls(env, 'the token endpoint')
      .optional()
      .describe('TLS to the token endpoint; each a path, or PEM text. Files are read again for each token request.'),
    proxy: egressProxy(env).describe(
      'Egress proxy on the way to the token endpoint: http://HOST:PORT, https://HOST:PORT, or off. Default: HTTPS_PROXY and NO_PROXY of the environment.',
    ),
  })
}

function assertion(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    alg: oneOf(signingAlgorithms)
      .optional()
      .describe('How it is signed (RFC 7518 3.1); client_secret_jwt always signs with HS256.'),
    kid: text('the identifier of a key', 'key-1')
      .optional()
      .describe('Which key of ours it was (RFC 7515 4.1.4); default: that of the JWK.'),
    key: secret(env).optional().describe('The private key, in PEM or as a JWK; for HS256 the shared secret.'),
    lifetime: duration
      .refine((ms) => ms >= 5 * seconds, { error: 'shorter than clocks differ; write 5s or more' })
      .refine((ms) => ms <= 24 * hours, { error: 'longer than a signature should be good for; write 24h at most' })
      .default(1 * minutes)
      .describe('How long it is valid: exp is so long after iat.'),
    claims: z
      .record(z.string(), jsonTemplate)
      .default({})
      .describe(
        'Further claims; null removes a default one (iss and sub are the client_id, aud is the token_endpoint, jti is random, iat is now).',
      )
      .meta({ shown: [{ aud: 'https://auth.example.com', sub: 'robot@example.com' }] }),
  })
}

const tokenResponse = strictObject({
  access_token: z
    .union([pointer, z.string().regex(/^header:[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/)], {
      error: 'expected a JSON Pointer or header:NAME; for example /data/token or header:X-Subject-Token',
    })
    .default('/access_token')
    .describe('Where the token is: a JSON Pointer (RFC 6901), or header:NAME.'),
  expires: strictObject({
    at: pointer.default('/expires_in').describe('Where the lifetime or the moment of expiry is.'),
    as: oneOf(['seconds', 'milliseconds', 'epoch', 'epoch_ms', 'rfc3339', 'jwt_exp'])
      .default('seconds')
      .describe('What it means; numbers may be strings. jwt_exp reads the exp claim of the token itself.'),
    default: duration.default(5 * minutes).describe('The lifetime when the answer names none.'),
    min: duration.default(1 * seconds).describe('Shorter lifetimes are taken as this.'),
    max: duration.default(2_160 * hours).describe('Longer lifetimes are taken as this.'),
  })
    .prefault({})
    .describe('How long the token lives.'),
  refresh_token: pointer
    .optional()
    .describe(
      'Where a refresh token is (RFC 6749 6); when named and present it is used to renew, falling back to the original grant.',
    ),
  ok_when: z
    .record(pointer, plainValue)
    .default({})
    .describe('Values that a good answer has, for endpoints that answer 200 to everything; compared as strings.')
    .meta({ shown: [{ '/code': 0 }] }),
})
