import { onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { demoConfig } from '../../src/cli/demo-config.ts'
import { echoPaths, runningSimulator } from '../simulator/running-simulator.ts'
import { start } from './cli-process.ts'
import { scratch } from './cli-scratch.ts'
import { freePort } from './redis-server.ts'

/** A `bearerd serve` with two workers and a token service in front of the simulator, under traffic of every kind until the test ends. */
export interface MonitoredGateway {
  readonly adminUrl: string
  readonly configFile: string
}

/**
 * Starts one. The tokens of gett are revoked again and again and renewed; gobiz refuses every token; the token endpoint of getbill refuses the
 * client; uber and getnet are well.
 */
export async function startMonitoredGateway(): Promise<MonitoredGateway> {
  const simulator = await runningSimulator()
  simulator.provider('gobiz').faults.set({ api_401: true })
  simulator.provider('getbill').faults.set({ token_fault: 'refuse' })
  // `bearerd healthcheck` takes the port from the file.
  const admin = await freePort()
  const config = parse(demoConfig({ gateway: 0, admin, simulatorUrl: simulator.url })) as Record<string, unknown>
  const configFile = scratch().write(
    'proxy.config.yaml',
    stringify({ ...config, workers: 2, token_service: { listen: '127.0.0.1:0' } }),
  )
  const gateway = start(['serve', '-c', configFile])
  const [line] = await gateway.untilOutput(/^\{.*"bearerd is serving".*\}$/m)
  const {
    listen,
    admin: adminUrl,
    token_service: service,
  } = JSON.parse(line) as Record<'listen' | 'admin' | 'token_service', string>

  const end = new AbortController()
  const traffic = (async () => {
    for (let round = 0; !end.signal.aborted; round++) {
      if (round % 3 === 0) simulator.provider('gett').revokeAll()
      await Promise.all(Object.values(echoPaths).map(async (path) => await (await fetch(`${listen}${path}`)).text()))
      await fetch(`${service}/authorize/uber`)
      // A refusal is followed by a pause of many seconds, which this ends.
      if (round % 5 === 0) await fetch(`${adminUrl}/credentials/getbill/renew`, { method: 'POST' })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  // Whoever waits for it below hears of a failure.
  traffic.catch(() => {})
  onTestFinished(async () => {
    end.abort()
    await traffic
  })
  return { adminUrl, configFile }
}
