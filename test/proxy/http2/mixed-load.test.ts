import { describe, expect, test } from 'vitest'
import { answerOrMisbehave, callOrLeave } from '../../../chaos/http2-load.ts'
import { connectionsTo } from '../../../chaos/connections-to.ts'
import { createRandom } from '../../../chaos/random.ts'
import { inParallel } from '../../../chaos/wait.ts'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http2Upstream } from '../../support/http2-upstream.ts'
import { eventually, settledGateway } from '../../support/proxy-wait.ts'

const callers = 60
const requests = 3_000
const limitMs = 5_000

/*
 * The load under which a client made of `node:http2` hung after one to three thousand requests (docs/decisions/0010): callers that
 * hang up, uploads that are cut, an upstream that resets streams, and ends its connections in peace and by breaking them off.
 */
describe.skipIf(!hasOpenssl)('thousands of requests over HTTP/2, many of which are cut, left or refused', () => {
  test.each([[20_261_122], [2]])(
    'do not hang, do not get the answers of others, and leave nothing behind (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      const authority = certificateAuthority()
      let streams = 0
      const upstream = await http2Upstream(authority.issue('server'), (stream, headers) =>
        answerOrMisbehave(stream, String(headers[':path']), random.fork(`stream ${streams++}`)),
      )
      const gateway = await startTestGateway({
        routes: [
          {
            path: '/api',
            upstream: upstream.url(),
            http2: true,
            tls: { ca: authority.cert },
            timeouts: { connect: `${limitMs}ms`, response: `${limitMs}ms`, idle: `${limitMs}ms` },
          },
        ],
      })
      const outcomes: Record<string, number> = {}
      await inParallel(requests, callers, async (nth) => {
        const outcome = await callOrLeave(gateway.port, nth, random.fork(`call ${nth}`), 3 * limitMs)
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      })
      // An upstream that ends what it does not want to answer keeps nobody waiting for a limit.
      const { hung = 0, wrong = 0, 504: late = 0, 200: good = 0 } = outcomes
      expect({ hung, wrong, late }, JSON.stringify(outcomes)).toEqual({ hung: 0, wrong: 0, late: 0 })
      expect(good).toBeGreaterThan(requests / 4)
      await settledGateway(gateway)
      await gateway.stop()
      await eventually('no connection is left', () => connectionsTo(Number(new URL(upstream.url()).port)) === 0)
    },
    60_000,
  )
})
