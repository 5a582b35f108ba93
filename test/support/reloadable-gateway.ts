import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { ReloadResult } from '../../src/admin/gateway-view.ts'
import { startGateway } from '../../src/cli/start-gateway.ts'
import type { RunningGateway } from '../../src/cli/start-gateway.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { endingQuickly } from './gateway.ts'

/** A gateway under test whose configuration can be changed. */
export interface ReloadableGateway extends Omit<RunningGateway, 'reload'> {
  /** Changes keys at the top of the configuration, and has it read again. */
  reload(changes?: Readonly<Record<string, unknown>>): Promise<ReloadResult | undefined>
  /** What is scraped. */
  metrics(): Promise<string>
}

/** Starts one. @param keys as in proxy.config.yaml; `listen` and `admin.listen` are filled in */
export async function reloadable(keys: Record<string, unknown>): Promise<ReloadableGateway> {
  const basics = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, shutdown: { grace: '1s' } }
  const ends: (() => void)[] = []
  const read = () => {
    const ending = endingQuickly(parseConfig('test.yaml', stringify({ ...basics, ...keys }), {}))
    ends.push(ending.end)
    return ending.config
  }
  const gateway = await startGateway(read(), createLog({ write: () => {} }), '0.0.0-test', read)
  onTestFinished(async () => {
    for (const end of ends) end()
    await gateway.stop()
  })
  return {
    ...gateway,
    reload: async (changes = {}) => {
      Object.assign(keys, changes)
      return await gateway.reload?.('signal')
    },
    metrics: async () => await (await fetch(`${gateway.adminUrl}/metrics`)).text(),
  }
}
