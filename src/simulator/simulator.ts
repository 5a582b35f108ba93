import type { IncomingMessage, ServerResponse } from 'node:http'
import { jsonAnswer, sendAnswer } from './answer.ts'
import { providerNames, simulatedClients } from './clients.ts'
import type { ProviderName, SimulatedClient } from './clients.ts'
import { answerControl } from './control-interface.ts'
import { startElsewhere } from './elsewhere.ts'
import type { Elsewhere } from './elsewhere.ts'
import { closeServer, createPatientServer, listen } from './listener.ts'
import { Provider } from './provider.ts'
import type { ProviderDefinition } from './provider-rules.ts'
import { getbill } from './providers/getbill.ts'
import { getnet } from './providers/getnet.ts'
import { gett } from './providers/gett.ts'
import { gobiz } from './providers/gobiz.ts'
import { uber } from './providers/uber.ts'

/** Where the simulator listens and what time it is there. */
export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** The clock, in milliseconds since the epoch. Default Date.now. */
  readonly nowMs?: () => number
}

/** The five providers, each below a path prefix of its own name, and the host that must never see a token. */
export interface Simulator {
  /** Base URL, without a slash at the end: provider gett is at `${url}/gett`. */
  readonly url: string
  readonly port: number
  readonly elsewhere: Elsewhere
  provider<N extends ProviderName>(name: N): SimulatedProvider<N>
  /** Every provider as if just started: no token, no counts, faithful. */
  reset(): void
  /** Stops listening and destroys every open connection. */
  close(): Promise<void>
}

/** One provider, with the client that it knows (`clientId`, `clientSecret` and what else its calls need). */
export type SimulatedProvider<N extends ProviderName = ProviderName> = { readonly name: N } & Pick<
  Provider,
  'stats' | 'faults' | 'revokeAll' | 'reset'
> &
  SimulatedClient<N>

/**
 * Starts the five simulated providers on one port, and `elsewhere` on another.
 * @throws when the port is taken.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, nowMs = Date.now } = options
  const elsewhere = await startElsewhere(host)
  const server = createPatientServer((request, response) => {
    handle(request, response).catch((error: unknown) => abandon(response, error))
  })
  const url = await listen(server, host, port).catch(async (error: unknown) => {
    await elsewhere.close()
    throw error
  })
  const start = (definition: ProviderDefinition): Provider =>
    new Provider(definition, { nowMs, ownUrl: `${url}/${definition.name}`, elsewhereUrl: elsewhere.url })
  const providers: Record<ProviderName, Provider> = {
    gett: start(gett),
    gobiz: start(gobiz),
    getbill: start(getbill),
    uber: start(uber),
    getnet: start(getnet),
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', ...query] = (request.url ?? '').split('?')
    const [, prefix = ''] = path.split('/')
    const below = path.slice(prefix.length + 1)
    const name = providerNames.find((known) => known === prefix)
    if (name !== undefined) {
      const target = { path: below, query: new URLSearchParams(query.join('?')) }
      return await providers[name].handle(request, response, target)
    }
    if (prefix === '_control') return sendAnswer(response, await answerControl(request, below, { providers, elsewhere }))
    request.resume()
    const contents = { providers: providerNames.map((known) => `${url}/${known}`), control: `${url}/_control` }
    sendAnswer(response, jsonAnswer(path === '/' ? 200 : 404, contents))
  }

  return {
    url,
    port: Number(new URL(url).port),
    elsewhere,
    provider: (name) => facade(name, providers[name], simulatedClients[name]),
    reset() {
      for (const name of providerNames) providers[name].reset()
      elsewhere.reset()
    },
    async close() {
      await Promise.all([closeServer(server), elsewhere.close()])
    },
  }
}

function facade<N extends ProviderName>(name: N, provider: Provider, client: SimulatedClient<N>): SimulatedProvider<N> {
  const controls = {
    name,
    faults: provider.faults,
    get stats() {
      return provider.stats
    },
    revokeAll: () => provider.revokeAll(),
    reset: () => provider.reset(),
  }
  return Object.assign(controls, client)
}

// The caller left in the middle of a request: nobody to answer. Anything else is a defect of the simulator, and is said so.
function abandon(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) return void response.destroy()
  sendAnswer(response, jsonAnswer(500, { error: 'simulator_defect', message: String(error) }))
}
