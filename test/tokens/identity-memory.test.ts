import { expect, test } from 'vitest'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { systemClock } from '../../src/tokens/clock.ts'
import type { Clock } from '../../src/tokens/clock.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import { TokenSources } from '../../src/tokens/token-sources.ts'
import { collectGarbage } from '../support/held-memory.ts'
import { credentialOf } from '../support/tokens-credential.ts'
import { grantOf } from '../support/tokens-source.ts'

function heapMiB(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 1024 ** 2
}

/** The full number takes a while: FULL=1. */
const identities = process.env['FULL'] === '1' ? 100_000 : 20_000

test(`${identities} identities cost what max_tokens allows: sources, timers and memory`, async () => {
  const most = 1_000
  const credential = credentialOf({ token_request: { params: { user: '{request.header.X-User}' } } })
  let timers = 0
  const clock: Clock = {
    ...systemClock,
    // As the machine's, whose timers hold on to what they are for.
    after: (delayMs, run) => {
      const cancel = systemClock.after(delayMs, run)
      let isPending = true
      timers++
      return () => {
        if (isPending) timers--
        isPending = false
        cancel()
      }
    },
  }
  const metrics = new Metrics('0.0.0-test')
  const tokens = new TokenSources(new Map([['main', credential]]), {
    requestGrant: (_credential, _previous, [who] = []) => Promise.resolve(grantOf(`${who}-${'t'.repeat(900)}`)),
    clock,
    revokeToken: async () => {},
    store: createMemoryStore({ clock, maxTokens: most }),
    random: () => 0.5,
    metrics,
    log: createLog({ write: () => {} }),
    maxTokens: most,
  })
  const useAll = async (from: number, to: number): Promise<void> => {
    for (let first = from; first < to; first += 100) {
      const some = Array.from({ length: 100 }, (_, index) => tokens.of(credential, [`user-${first + index}@example.com`]))
      await Promise.all(some.map((source) => source.obtain()))
    }
  }

  await useAll(0, 2 * most)
  const before = heapMiB()
  await useAll(2 * most, identities)
  const after = heapMiB()
  expect(tokens.identityStatus('main')).toMatchObject({ tokens: most, waiting: 0 })
  expect(timers).toBe(most)
  // Each takes up about 6 KiB: 18,000 of them, more than 100 MiB.
  expect(after - before).toBeLessThan(10)
  const series = metrics.instruments.flatMap((instrument) => instrument.samples())
  expect(series.length).toBeLessThan(100)
  expect(JSON.stringify(series)).not.toContain('user-')
  tokens.close()
  expect(timers).toBe(0)
}, 180_000)
