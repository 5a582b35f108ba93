import { z } from 'zod'
import { adminCallers, callers } from './callers.ts'
import { listenAddress } from './listen.ts'
import { listenerTls } from './listener-tls.ts'
import { tokenService } from './token-service.ts'
import { tokenStore } from './token-store.ts'
import { flag, hostNames, oneOf, size, strictObject, timerDuration, webOrigins, wholeNumber } from './values.ts'
import { workers } from './workers.ts'

const accessLog = z
  .union(
    [
      oneOf(['on', 'off', 'errors']),
      strictObject({
        mode: oneOf(['on', 'off', 'errors']).default('on').describe('Which requests are logged.'),
        query: flag.default(false).describe('Whether query strings are logged; they may hold personal data.'),
      }),
    ],
    { error: 'expected on, off, errors or {mode, query}; write one of them' },
  )
  .transform((log) => (typeof log === 'string' ? { mode: log, query: false } : log))

/**
 * The top level. The entries of `credentials` and `routes` are read one by one, by their own schemas.
 * @param env where `{env: NAME}` secrets are looked up
 */
export function gatewaySchema(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    listen: listenAddress.prefault('127.0.0.1:8080').describe('Where the applications connect.'),
    tls: listenerTls(env).optional().describe('Speaks TLS to callers, 1.2 at least; plain HTTP without it.'),
    hosts: hostNames.describe('Further names that callers may use in Host; loopback names always may.'),
    origins: webOrigins.describe('Browser origins that may call; none by default, so that no web page can.'),
    callers: callers(env)
      .optional()
      .describe('Who may use the gateway: anyone, or a list; must be said when listen is not a loopback address.'),
    admin: strictObject({
      listen: listenAddress.prefault('127.0.0.1:9090').describe('Probes, metrics, status page.'),
      tls: listenerTls(env).optional().describe('As tls above.'),
      callers: adminCallers(env)
        .optional()
        .describe(
          'Who may use it, as above but without routes; the probes stay open to all. Without it anyone may look, and only this machine may change something.',
        ),
      ready_when: oneOf(['config', 'tokens'])
        .default('config')
        .describe('Ready when routes are served, or only once every credential has a token.'),
    })
      .prefault({})
      .describe('The admin interface.'),
    token_service: tokenService(env)
      .optional()
      .describe('Gives tokens to other proxies, on an address of its own; off without it.'),
    token_store: tokenStore(env).prefault('memory').describe('Where tokens are kept: memory, or a group named after the store.'),
    replay_memory: size.prefault('64MiB').describe('Request bodies kept for replay, in all workers together.'),
    limits: strictObject({
      headers: size.prefault('16KiB').describe("Size of a request's head."),
      header_count: wholeNumber(1).default(200).describe('Fields of a request.'),
      target: size.prefault('8KiB').describe("Length of a request's target."),
      connections: wholeNumber(1).default(10_000).describe('Connections of callers at a time.'),
      idle: timerDuration(1)
        .prefault('60s')
        .describe('Life of an idle connection, and how long a caller may take to read a piece of an answer.'),
      header_time: timerDuration(1).prefault('15s').describe("How long a caller may take to send a request's head."),
      body_idle: timerDuration(1).prefault('30s').describe("How long a caller may pause within a request's body."),
    })
      .prefault({})
      .describe('What a caller may take up.'),
    shutdown: strictObject({
      delay: timerDuration(0)
        .prefault('0s')
        .describe('After SIGTERM: not ready any more, still serving, so that load balancers notice.'),
      grace: timerDuration(0).prefault('30s').describe('After that: how long open requests may take to finish.'),
    })
      .prefault({})
      .describe('How the gateway stops.'),
    via: z
      .string({ error: 'expected a pseudonym or off; for example bearerd' })
      .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, { error: 'not a pseudonym (RFC 9110 7.6.3); use letters, digits and hyphens' })
      .default('bearerd')
      .describe('Pseudonym in Via, by which loops are noticed; or off.'),
    access_log: accessLog.prefault('on').describe('One line per request.'),
    tracing: strictObject({
      traceparent: oneOf(['pass', 'make', 'off'])
        .default('pass')
        .describe(
          'What the upstream gets of traceparent and tracestate: what the caller sent, a new one where it sent none, or nothing.',
        ),
    })
      .prefault({})
      .describe('How requests are traced.'),
    workers: workers
      .prefault(1)
      .describe(
        'Processes that serve requests, behind one address and with one token for all: a number, or auto for one per core.',
      ),
    credentials: z
      .record(
        z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'not a name; use letters, digits, dots, hyphens and _' }),
        z.unknown(),
        { error: 'expected credentials by name; see proxy.config.yaml for an example' },
      )
      .default({})
      .describe('How tokens are got, by name.'),
    routes: z
      .array(z.unknown(), { error: 'expected a list of routes; for example [{path: /gett, credential: gett}]' })
      .default([])
      .describe('Which path goes to which upstream; required unless there is a token_service.'),
  })
}
