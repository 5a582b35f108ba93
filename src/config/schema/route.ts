import { z } from 'zod'
import { fieldName, fieldValue, flag, queryValue, size, strictObject, text, timerDuration, wholeNumber } from './values.ts'
import { allowedHost } from './allowed-host.ts'
import { egressProxy } from './proxy.ts'
import { upstreamTls } from './tls.ts'
import { upstream } from './upstream.ts'

const pathPrefix = z
  .string({ error: 'expected a path prefix; for example /gett' })
  .regex(/^\/[\x21-\x7e]*$/, { error: 'a path starts with a slash and has no spaces; write it as /gett' })
  .refine((path) => !/[?#*]/.test(path), { error: 'a path prefix has no ?, # or *; everything below the prefix matches anyway' })
  .refine((path) => !/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path), {
    error: 'a dot segment in the path; write the path that is meant',
  })
  .transform((path) => path.replace(/\/+$/, ''))
  .meta({ shown: ['/gett'] })

const method = z
  .string({ error: 'expected a method; for example GET' })
  .regex(/^[A-Z][A-Z-]*$/, { error: 'not a method; methods are upper-case words such as GET' })
  .meta({ shown: ['GET'] })

const parameterName = z.string().min(1, { error: 'a parameter has a name; write it in front of the colon' })

/**
 * One entry of `routes`, after what its credential's preset says of routes has been laid under it.
 * @param env where `{env: NAME}` and the proxies of the environment are looked up
 */
export function routeSchema(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    path: pathPrefix.describe('Path prefix; the longest that matches wins, on segment boundaries, and it is not sent upstream.'),
    host: text('a host name', 'gett.localhost')
      .transform((host) => host.toLowerCase())
      .optional()
      .describe('Only requests whose Host has this name match; such a route wins over one without.'),
    upstream: upstream.describe(
      'Base URL of the upstream; only this origin ever receives the token. {token.FIELD} in it is a field of the token response.',
    ),
    allowed_hosts: z
      .array(allowedHost)
      .min(1, { error: 'an empty list allows no upstream; name the hosts that it may be on' })
      .optional()
      .describe(
        'The hosts that an upstream with {token.FIELD} in it may be on: api.example.com, *.example.com, example.com:8443; required then.',
      ),
    insecure_http: flag
      .default(false)
      .describe('Allows http:// for an upstream that is not on this machine. The token then crosses the network in clear text.'),
    credential: text('the name of a credential', 'gett')
      .optional()
      .describe('Whose token is put on; without one requests are forwarded bare.'),
    methods: z
      .array(method)
      .min(1, { error: 'an empty list allows nothing; remove it or name a method' })
      .optional()
      .describe('Methods that are let through.'),
    allow_paths: z
      .array(pathPrefix)
      .min(1, { error: 'an empty list allows nothing; remove it or name a path' })
      .optional()
      .describe('Path prefixes, below the route, that are let through.'),
    headers: strictObject({
      set: z
        .record(fieldName, fieldValue)
        .default({})
        .describe('Fields set on the forwarded request, replacing those of the caller.')
        .meta({ shown: [{ 'X-Api-Version': '2' }] }),
      remove: z.array(fieldName).default([]).describe('Fields of the caller that are not forwarded.'),
    })
      .prefault({})
      .describe('Changes to the fields of the forwarded request.'),
    query: strictObject({
      set: z
        .record(parameterName, queryValue)
        .default({})
        .describe('Query parameters set on the forwarded request.')
        .meta({ shown: [{ locale: 'en' }] }),
    })
      .prefault({})
      .describe('Changes to the query of the forwarded request; the rest stays byte for byte.'),
    timeouts: strictObject({
      connect: timerDuration(1).default(5_000).describe('For the connection to the upstream, TLS included.'),
      response: timerDuration(1).default(60_000).describe("From the request's last byte to the answer's head."),
      idle: timerDuration(1).default(60_000).describe('Between two bytes of the answer.'),
    })
      .prefault({})
      .describe('How long the upstream may take.'),
    replay: z
      .union(
        [
          z.literal('off'),
          strictObject({
            max_body: size
              .default(1024 ** 2)
              .describe('Body kept in memory for the one replay; 0 replays only requests without a body.'),
          }),
        ],
        {
          error: 'expected off or {max_body: SIZE}; for example {max_body: 1MiB}',
        },
      )
      .prefault({})
      .describe('The one replay after the token was refused.'),
    rewrite: strictObject({
      location: flag.default(true).describe('Location fields that point at the upstream are made to point at the gateway.'),
      cookies: flag.default(true).describe("Domain and Path of the upstream's cookies are made to fit the gateway."),
    })
      .prefault({})
      .describe('Answer fields that would lead the caller past the gateway.'),
    tls: upstreamTls(env)
      .optional()
      .describe(
        'TLS to the upstream; ca, cert and key are each a path, or PEM text. Files that change are read again, without a restart.',
      ),
    http2: flag
      .default(false)
      .describe('HTTP/2 is offered to the upstream, which chooses between it and HTTP/1.1; upgrades go by HTTP/1.1 always.'),
    proxy: egressProxy(env).describe(
      'Egress proxy on the way to the upstream: http://HOST:PORT, https://HOST:PORT, or off. Default: HTTPS_PROXY and NO_PROXY of the environment.',
    ),
    max_connections: wholeNumber(1)
      .default(256)
      .describe('Connections to the upstream at a time; further requests queue. With HTTP/2 each has many requests at a time.'),
    max_request_body: size.optional().describe('Larger request bodies are refused with 413.'),
  })
}
