import type { Bench } from '../bench.ts'
import { bearerd } from '../contenders/bearerd.ts'
import { exchanges } from '../upstream/answers.ts'
import { tokenRequestMs } from '../upstream/tokens.ts'
import { startUpstream } from '../upstream/upstream.ts'
import { inRounds } from './rounds.ts'
import type { Reading, Workload } from './workload.ts'

const callers = 500

/** What only bearerd does: many callers at once without a token, and with one that has just been revoked. */
export const tokenPath: Workload = {
  name: 'token-path',
  about: `${callers} callers at once, before there is a token and when it has been revoked; the token endpoint takes ${tokenRequestMs} ms`,
  figures: [
    { key: 'coldTokenRequests', title: 'cold: token requests', digits: 0 },
    { key: 'coldFailed', title: 'failed', digits: 0 },
    { key: 'coldMs', title: 'ms', digits: 0 },
    { key: 'revokedTokenRequests', title: 'revoked: token requests', digits: 0 },
    { key: 'revokedFailed', title: 'failed', digits: 0 },
    { key: 'revokedMs', title: 'ms', digits: 0 },
  ],
  compared: undefined,
  run: async (bench) => {
    const entrants = bench.contenders.filter((contender) => contender === bearerd).map(({ name }) => ({ name, measured: bench }))
    return await inRounds({ rounds: bench.size.starts, entrants, measure: tokenPathOf })
  },
}

async function tokenPathOf(bench: Bench): Promise<Reading> {
  const upstream = await startUpstream(bench.folderFor('token-path'), bench.cores.others)
  const running = await bench.start(bearerd, upstream)
  try {
    const cold = await bench.load(running, exchanges.small, { kind: 'burst', connections: callers })
    const { tokenRequests: coldTokenRequests } = await upstream.seen()
    await upstream.revoke()
    const revoked = await bench.load(running, exchanges.small, { kind: 'burst', connections: callers })
    const { tokenRequests } = await upstream.seen()
    return {
      coldTokenRequests,
      coldFailed: cold.failed,
      coldMs: cold.seconds * 1_000,
      revokedTokenRequests: tokenRequests - coldTokenRequests,
      revokedFailed: revoked.failed,
      revokedMs: revoked.seconds * 1_000,
    }
  } finally {
    await running.stop()
    await upstream.stop()
  }
}
