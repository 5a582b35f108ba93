import { createServer } from 'node:net'
import { parseConfig } from '../config/load-config.ts'
import { simulatedClients } from '../simulator/clients.ts'
import { createLog } from '../telemetry/log.ts'
import type { Command } from './command.ts'
import { demoConfig } from './demo-config.ts'
import { humanLines } from './human-lines.ts'
import { openSimulator } from './simulate.ts'
import { startGateway } from './start-gateway.ts'
import { stopSignal } from './stop-signal.ts'
import { packageVersion } from './version.ts'

const preferredPorts = { gateway: 8080, admin: 9090, simulator: 9400 }

/** `bearerd demo` */
export const demo: Command = {
  name: 'demo',
  usage: 'bearerd demo [--print-config]',
  options: { 'print-config': { type: 'boolean', help: 'print the configuration of the demo and end' } },
  details: `Uses the ports ${Object.values(preferredPorts).join(', ')} where they are free, any others where not. Needs no network and no credentials.`,
  run: async ({ values, stdout }) => {
    if (values['print-config'] === true) {
      stdout(demoConfig({ ...preferredPorts, simulatorUrl: `http://127.0.0.1:${preferredPorts.simulator}` }).trimEnd())
      return 0
    }
    const stopped = stopSignal()
    const simulator = await openSimulator(await freePort(preferredPorts.simulator))
    const text = demoConfig({
      gateway: await freePort(preferredPorts.gateway),
      admin: await freePort(preferredPorts.admin),
      simulatorUrl: simulator.url,
    })
    const config = parseConfig('the demo configuration', text, {})
    const gateway = await startGateway(config, createLog(humanLines(stdout)), packageVersion())
    for (const line of whatToTry(gateway.url, gateway.adminUrl, simulator.url)) stdout(line)
    await stopped
    await gateway.stop()
    await simulator.close()
    return 0
  },
}

/** The port itself where it is free, else 0 for any. */
function freePort(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)))
  })
}

function whatToTry(gateway: string, admin: string, simulator: string): string[] {
  const { gett, uber } = simulatedClients
  return `
bearerd is in front of five simulated providers. None of these calls carries a token; the gateway puts it on.

  curl '${gateway}/gett/v1/reports?businessId=${gett.businessId}'
  curl ${gateway}/gobiz/integrations/partner/v1/linked-outlets
  curl ${gateway}/getbill/external-api/v1/debts
  curl -H 'x-uber-organizationuuid: ${uber.organizationUuid}' ${gateway}/uber/v1/business/orders/42/receipt
  curl '${gateway}/getnet/v1/offerings?channel=demo-channel&country=BR'

What did the provider get? (the token shown as ***)
  curl ${gateway}/uber/v1/business/echo

Revoke every token of Uber, then call again: the provider refuses, bearerd gets a new token and repeats the request.
  curl -X POST ${simulator}/_control/uber/revoke
  curl ${gateway}/uber/v1/business/echo

Let its token endpoint fail, revoke, call (you get Uber's own 401 and the reason in Proxy-Status), and mend it again.
  curl -X PUT ${simulator}/_control/uber/faults -d '{"token_fault": "503"}'
  curl -X POST ${simulator}/_control/uber/revoke
  curl -i ${gateway}/uber/v1/business/echo
  curl -X DELETE ${simulator}/_control/uber/faults

Status page  ${admin}/
Metrics      ${admin}/metrics
Faults       ${simulator}/_control
The configuration of this demo: bearerd demo --print-config (in a checkout npm run bearerd -- demo --print-config)

Requests show up below. Ctrl-C ends the demo.
`.split('\n')
}
