import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { egressProxy } from './proxy.ts'
import { isExposed } from '../loopback.ts'
import { asProblem } from './problem-code.ts'
import { oneOf, secret, strictObject, text } from './values.ts'

/** The ways in which a caller can prove itself; each has exactly one. */
const proofs = ['api_key', 'jwt', 'tls_subject', 'cidr'] as const

/** Signatures that a public key verifies. */
const verifyingAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

const audience = text('an audience', 'bearerd')

const keySetUrlError = 'expected the URL of a key set; for example https://login.example.com/jwks.json'
const keySetUrl = z
  .string({ error: keySetUrlError })
  .refine((url) => /^https?:\/\/[^/@]+(\/|$)/i.test(url) && URL.canParse(url) && !url.includes('#'), {
    error: keySetUrlError,
    abort: true,
  })
  .refine((url) => !isExposed(url), {
    error: 'whoever is on the way could put in keys of its own; use https, or a server on this machine',
    params: asProblem('clear_text'),
  })
  .meta({ shown: ['https://login.example.com/jwks.json'] })

const addressRange = z.string({ error: 'expected a range of addresses; for example 10.1.0.0/16' }).transform((range, context) => {
  const [, address = '', digits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []
  const family = isIP(address)
  const bits = family === 4 ? 32 : 128
  const prefix = Number(digits ?? bits)
  if (family === 0 || prefix > bits) {
    context.addIssue('not a range of addresses; write it as 10.1.0.0/16, 10.1.2.3 or fd00::/8')
    return z.NEVER
  }
  if (isMappedIpv4(address)) {
    context.addIssue('an IPv4 address in the clothes of IPv6; write it as IPv4, which covers both')
    return z.NEVER
  }
  return { address, prefix, family: family === 4 ? ('ipv4' as const) : ('ipv6' as const) }
})

/** `::ffff:192.0.2.1` in any spelling (RFC 4291 2.5.5.2). */
function isMappedIpv4(address: string): boolean {
  if (isIP(address) !== 6) return false
  const mapped = new BlockList()
  mapped.addSubnet('::ffff:0:0', 96, 'ipv6')
  return mapped.check(address, 'ipv6')
}

function proofKeys(env: Readonly<NodeJS.ProcessEnv>) {
  return {
    name: z
      .string({ error: 'expected a name; for example orders' })
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'not a name; use letters, digits, dots, hyphens and _' })
      .describe('What logs call it, and the user name in a URL that carries its key.')
      .meta({ shown: ['orders'] }),
    api_key: secret(env)
      .refine((key) => /^[\x21-\x7e]+$/.test(key.reveal()), {
        error: 'a key is visible ASCII without spaces; make one with "openssl rand -hex 32"',
      })
      .optional()
      .describe('Proved by a key, a secret of its own; read again when its file changes.'),
    jwt: strictObject({
      issuer: text('an issuer', 'https://login.example.com').describe('What iss must be, character by character.'),
      jwks_uri: keySetUrl.describe('Where the keys of the issuer are (RFC 7517 5); https, unless it is on this machine.'),
      audience: z
        .union([audience, z.array(audience).min(1, { error: 'an empty list allows no token; name an audience' })], {
          error: 'expected an audience, or a list of them; for example bearerd',
        })
        .transform((audiences) => [audiences].flat())
        .describe('What aud must hold one of: only tokens that were made for this gateway.')
        .meta({ shown: ['bearerd'] }),
      subject: text('a subject', 'system:serviceaccount:shop:orders')
        .optional()
        .describe('What sub must be; anything when absent.'),
      proxy: egressProxy(env).describe(
        'Egress proxy on the way to the keys: its URL, or off; else that of the environment (HTTPS_PROXY, NO_PROXY).',
      ),
      algorithms: z
        .array(oneOf(verifyingAlgorithms))
        .min(1, { error: 'an empty list allows no token; name an algorithm' })
        .default(['RS256', 'ES256', 'PS256', 'EdDSA'])
        .describe('Signatures that are taken (RFC 7518 3.1); none and shared secrets never are.'),
    })
      .optional()
      .describe('Proved by a signed token of an issuer (RFC 7519), as Authorization: Bearer.'),
    tls_subject: text('a name in a certificate', 'orders.internal')
      .optional()
      .describe(
        'Proved by a client certificate of tls.client_ca with this common name, or this subject alternative name (DNS, URI or e-mail).',
      ),
    cidr: z
      .union([addressRange, z.array(addressRange).min(1, { error: 'an empty list allows nobody; name a range of addresses' })], {
        error: 'expected a range of addresses, or a list of them; for example 10.1.0.0/16',
      })
      .transform((ranges) => [ranges].flat())
      .optional()
      .describe('Proved by the address of its connection, in one of these ranges; what X-Forwarded-For says is not looked at.')
      .meta({ shown: ['10.1.0.0/16', ['10.1.2.3', 'fd00::/8']] }),
  }
}

/** Refuses an entry that says no proof, or several. */
function hasOneProof(entry: { readonly [Proof in (typeof proofs)[number]]?: unknown }, context: z.core.$RefinementCtx): void {
  const said = proofs.filter((proof) => entry[proof] !== undefined)
  if (said.length !== 1) {
    const message = `a caller proves itself in exactly one way; write one of ${proofs.join(', ')}, and a caller for each`
    context.addIssue({ code: 'custom', message, params: asProblem('conflicting_keys') })
  }
}

/**
 * `callers`: `anyone`, or a list.
 * @param env where `{env: NAME}` secrets are looked up
 */
export function callers(env: Readonly<NodeJS.ProcessEnv>) {
  return z.union([oneOf(['anyone']), z.array(caller(env)).min(1, emptyList)], {
    error: 'expected anyone, or a list of callers; for example [{name: orders, api_key: {env: ORDERS_KEY}}]',
  })
}

/** `admin.callers`: a list; what they may do there is not told apart. */
export function adminCallers(env: Readonly<NodeJS.ProcessEnv>) {
  return z
    .array(strictObject(proofKeys(env)).superRefine(hasOneProof), {
      error: 'expected a list of callers; for example [{name: ops, api_key: {env: OPS_KEY}}]',
    })
    .min(1, emptyList)
}

/** `token_service.callers`: a list, each with the credentials whose tokens it may have. */
export function tokenServiceCallers(env: Readonly<NodeJS.ProcessEnv>) {
  return z
    .array(tokenServiceCaller(env), {
      error: 'expected a list of callers; for example [{name: nginx, api_key: {env: NGINX_KEY}, credentials: [gett]}]',
    })
    .min(1, emptyList)
}

/** Who may have tokens. */
export type TokenServiceCaller = Readonly<z.output<ReturnType<typeof tokenServiceCaller>>>

/** Who may use the gateway, how it proves itself, and what for. */
export type Caller = Readonly<z.output<ReturnType<typeof caller>>>

/** One range of addresses. */
export type AddressRange = z.output<typeof addressRange>

const emptyList = { error: 'an empty list allows nobody; name a caller, or remove it' }

function caller(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    ...proofKeys(env),
    routes: z
      .array(text('a route', '/gett'))
      .min(1, { error: 'an empty list allows nothing; remove it or name a route' })
      .optional()
      .describe('The routes it may use, by path (host and path where a route has both); all when absent.'),
  }).superRefine(hasOneProof)
}

function tokenServiceCaller(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    ...proofKeys(env),
    credentials: z
      .array(text('the name of a credential', 'gett'))
      .min(1, { error: 'an empty list allows nothing; remove it or name a credential' })
      .optional()
      .describe('The credentials whose tokens it may have; all when absent.'),
  }).superRefine(hasOneProof)
}
