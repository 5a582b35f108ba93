import { simulatedClients } from '../simulator/clients.ts'
import { startSimulator } from '../simulator/simulator.ts'
import type { Simulator } from '../simulator/simulator.ts'
import { OperationError, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { stopSignal } from './stop-signal.ts'

const defaultPort = 9400

/** `bearerd simulate` */
export const simulate: Command = {
  name: 'simulate',
  usage: 'bearerd simulate [--port PORT] [--host HOST]',
  options: {
    port: { type: 'string', value: 'PORT', help: `where to listen (default ${defaultPort}; 0 for any)` },
    host: { type: 'string', value: 'HOST', help: 'address to listen on (default 127.0.0.1)' },
  },
  details:
    'Five providers as strict as their documents, for tests without a network. Faults are switched at /_control; see docs/simulator.md.',
  run: async ({ values, stdout }) => {
    const port = typeof values['port'] === 'string' ? portOf(values['port']) : defaultPort
    const stopped = stopSignal()
    const simulator = await openSimulator(port, typeof values['host'] === 'string' ? values['host'] : '127.0.0.1')
    stdout(`simulated providers at ${simulator.url}, control interface at ${simulator.url}/_control`)
    for (const [name, { clientId, clientSecret }] of Object.entries(simulatedClients))
      stdout(`  ${name}: client_id ${clientId}, client_secret ${clientSecret}`)
    await stopped
    await simulator.close()
    return 0
  },
}

/** Starts the simulator. @throws OperationError when the address cannot be used */
export async function openSimulator(port: number, host = '127.0.0.1'): Promise<Simulator> {
  try {
    return await startSimulator({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    throw new OperationError(`cannot listen on ${host}:${port} (${code}): choose another port with --port`, { cause: error })
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UsageError(`--port takes a number from 0 to 65535, not ${JSON.stringify(text)}`)
  return port
}
