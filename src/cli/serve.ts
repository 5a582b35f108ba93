import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { createLog } from '../telemetry/log.ts'
import type { Command } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { watchConfig } from './config-watch.ts'
import type { ReloadCause } from './reload.ts'
import { startGateway } from './start-gateway.ts'
import type { RunningGateway } from './start-gateway.ts'
import { stopSignal } from './stop-signal.ts'
import { packageVersion } from './version.ts'

/** `bearerd serve`, the default command. */
export const serve: Command = {
  name: 'serve',
  usage: 'bearerd serve [-c FILE]',
  options: configOption,
  details:
    'Logs one JSON line per event to standard output. SIGHUP and a changed file reload the configuration. SIGTERM and SIGINT let open requests finish; a second signal ends at once.',
  run: async (context) => {
    const file = configFileOf(context)
    const read = (): Config => loadConfig(file, context.env)
    const started = Promise.withResolvers<RunningGateway>()
    const reload = async (cause: ReloadCause): Promise<boolean> =>
      (await (await started.promise).reload?.(cause))?.isUsed === true
    process.on('SIGHUP', () => void reload('signal'))
    // Before it is read: what changes from then on is noticed.
    const endWatch = watchConfig(file, () => reload('file'))
    const config = read()
    const stopped = stopSignal()
    const log = createLog(undefined, 'info', { isShared: config.workers > 1 })
    const gateway = await startGateway(config, log, packageVersion(), read)
    started.resolve(gateway)
    await stopped
    endWatch()
    await gateway.stop()
    return 0
  },
}
