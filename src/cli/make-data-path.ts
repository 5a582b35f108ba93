import { join } from 'node:path'
import { createGateway } from '../proxy/gateway.ts'
import type { GatewayParts } from '../proxy/gateway.ts'
import { inThisProcess } from '../workers/data-path.ts'
import type { DataPath } from '../workers/data-path.ts'
import type { WorkerPoolParts } from '../workers/worker-pool.ts'

const program = join(import.meta.dirname, '../../bin/bearerd.js')

/** Makes the data path of a configuration, which does not listen yet: in this process, or in as many workers as it says. */
export async function makeDataPath(parts: Omit<WorkerPoolParts, 'fork'> & Pick<GatewayParts, 'tracer'>): Promise<DataPath> {
  const { config, tokens, metrics, log, tracer } = parts
  if (config.workers === 1) {
    const tokenSource = tokens.of.bind(tokens)
    return inThisProcess(createGateway({ config, metrics, log, tokenSource, tracer }), metrics)
  }
  const { fork } = await import('node:child_process')
  const { WorkerPool } = await import('../workers/worker-pool.ts')
  return new WorkerPool({
    ...parts,
    // What a worker has to know is told on its channel: what stands on a command line every user of the machine can see.
    fork: () => fork(program, ['worker'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  })
}
