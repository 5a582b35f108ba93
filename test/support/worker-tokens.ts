import { Metrics } from '../../src/telemetry/metrics.ts'
import type { TokenSupply } from '../../src/tokens/token-supply.ts'
import { Link } from '../../src/workers/link.ts'
import { TokenDesk } from '../../src/workers/token-desk.ts'
import type { FromMain, FromWorker } from '../../src/workers/vocabulary.ts'
import { WorkerTokens } from '../../src/workers/worker-tokens.ts'
import { identitiesUnderTest } from './identity-sources.ts'
import type { IdentitiesUnderTest } from './identity-sources.ts'
import { channelPair } from './link-pair.ts'

/** A worker's side of the tokens; within the process of the test, but all that it knows comes over its channel. */
export interface WorkerUnderTest {
  readonly tokens: WorkerTokens
  readonly metrics: Metrics
  /** Kinds of what it said to the main process, in order. */
  readonly said: string[]
  supply(...identity: readonly string[]): TokenSupply
  /** Its process ends. */
  end(): void
}

/** Token sources as the main process has them, and workers that ask there; all on one fake clock. */
export interface WorkersUnderTest extends IdentitiesUnderTest {
  readonly workers: readonly [WorkerUnderTest, WorkerUnderTest]
}

/** @param keys of the credential, `main` */
export function workersUnderTest(keys: Readonly<Record<string, unknown>> = {}, most = 100): WorkersUnderTest {
  const main = identitiesUnderTest(keys, most)
  const { tokens, credential, clock } = main
  const credentials = new Map([[credential.name, credential]])
  const start = (): WorkerUnderTest => {
    const { ends, close } = channelPair()
    const desk: TokenDesk = new TokenDesk({
      tokens,
      credentials: (generation) => (generation === 0 ? credentials : undefined),
      tell: (supply, token) => mainEnd.tell('token', { supply, token }),
    })
    const note =
      <Note>(kind: string, take: (note: Note) => void) =>
      (received: Note): void => {
        said.push(kind)
        take(received)
      }
    const mainEnd = new Link<FromMain, FromWorker>(ends[0], {
      notes: {
        closed: () => {},
        used: note('used', (supply) => desk.used(supply)),
        dropped: note('dropped', (supply) => desk.dropped(supply)),
        pointless: note('pointless', (supply) => desk.pointless(supply)),
        replayed: note('replayed', (end) => desk.replayed(end)),
      },
      questions: {
        obtain: async (supply) => {
          said.push('obtain')
          return await desk.obtain(supply)
        },
        reject: async (rejected) => {
          said.push('reject')
          return await desk.reject(rejected)
        },
      },
    })
    const workerEnd = new Link<FromWorker, FromMain>(ends[1], {
      notes: {
        connection: () => {},
        abandon: () => {},
        drain: () => {},
        end: () => {},
        token: ({ supply, token }) => own.hear(supply, token),
      },
      questions: {
        start: notHere,
        prepare: notHere,
        commit: notHere,
        heartbeat: notHere,
        report: notHere,
        close: notHere,
      },
    })
    const metrics = new Metrics('0.0.0-test')
    const own = new WorkerTokens({ link: workerEnd, metrics, clock, most })
    own.add(0, credentials)
    desk.present(0)
    const said: string[] = []
    return {
      tokens: own,
      metrics,
      said,
      supply: (...identity) => own.of(credential, identity),
      end: () => {
        close()
        desk.close()
      },
    }
  }
  return Object.assign(main, { workers: [start(), start()] as const })
}

function notHere(): never {
  throw new Error('this worker has tokens and nothing else')
}
