import { createLog } from '../telemetry/log.ts'
import { findTracer } from '../telemetry/tracer.ts'
import { runWorker } from '../workers/worker.ts'
import type { ChannelEnd } from '../workers/link.ts'
import { UsageError } from './command.ts'
import type { Command } from './command.ts'
import { packageVersion } from './version.ts'

/** What `bearerd serve` starts for each of its workers. It does what the main process says, whatever signals it gets, and ends with it. */
export const worker: Command = {
  name: 'worker',
  usage: 'bearerd serve, with workers in its configuration',
  options: {},
  run: async ({ env }) => {
    if (process.send === undefined) throw new UsageError('bearerd serve starts its workers itself')
    process.on('disconnect', () => process.exit(1))
    const version = packageVersion()
    const tracer = await findTracer(version)
    await runWorker({ end: channel, env, log: createLog(undefined, 'info', { isShared: true }), version, tracer })
    await tracer?.flush()
    process.exit(0)
  },
}

const channel: ChannelEnd = {
  // That there is nobody at the other end is said by its closing.
  send: (message) => void process.send?.(message, undefined, {}, () => {}),
  onMessage: (listener) => process.on('message', listener as (message: unknown, handle: unknown) => void),
  onClose: (listener) => process.on('disconnect', listener),
}
