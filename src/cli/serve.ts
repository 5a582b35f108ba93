import { loadConfig } from '../config/load-config.ts'
import { createLog } from '../telemetry/log.ts'
import type { Command } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { startGateway } from './start-gateway.ts'
import { stopSignal } from './stop-signal.ts'
import { packageVersion } from './version.ts'

/** `bearerd serve`, the default command. */
export const serve: Command = {
  name: 'serve',
  usage: 'bearerd serve [-c FILE]',
  options: configOption,
  details:
    'Logs one JSON line per event to standard output. SIGTERM and SIGINT let open requests finish; a second signal ends at once.',
  run: async (context) => {
    const config = loadConfig(configFileOf(context), context.env)
    const stopped = stopSignal()
    const gateway = await startGateway(config, createLog(), packageVersion())
    await stopped
    await gateway.stop()
    return 0
  },
}
