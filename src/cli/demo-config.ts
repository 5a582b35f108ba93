import { simulatedClients } from '../simulator/clients.ts'

/** Where the parts of the demo listen. */
export interface DemoAddresses {
  /** Ports; 0 for any. */
  readonly gateway: number
  readonly admin: number
  readonly simulatorUrl: string
}

/**
 * The configuration of the demo: the presets as they are for the real providers, with the hosts replaced by the simulator's.
 * @returns YAML
 */
export function demoConfig({ gateway, admin, simulatorUrl }: DemoAddresses): string {
  const { gett, gobiz, getbill, uber, getnet } = simulatedClients
  return `# The demo: five presets, with the simulated providers in place of the real ones.
listen: 127.0.0.1:${gateway}
admin:
  listen: 127.0.0.1:${admin}

credentials:
  gett:
    provider: gett
    token_endpoint: ${simulatorUrl}/gett/oauth/token
    client_id: ${gett.clientId}
    client_secret: ${gett.clientSecret}
    scope: order company.reference finance
  gobiz:
    provider: gobiz
    token_endpoint: ${simulatorUrl}/gobiz/oauth2/token
    client_id: ${gobiz.clientId}
    client_secret: ${gobiz.clientSecret}
    scope: partner:outlet:read payment:transaction:read payment:transaction:write
  getbill:
    provider: getbill
    token_endpoint: ${simulatorUrl}/getbill/token
    client_id: ${getbill.clientId}
    client_secret: ${getbill.clientSecret}
    scope: debts:read debts:write followups:read company:read
  uber:
    provider: uber
    token_endpoint: ${simulatorUrl}/uber/oauth/v2/token
    client_id: ${uber.clientId}
    client_secret: ${uber.clientSecret}
  getnet:
    provider: getnet
    token_endpoint: ${simulatorUrl}/getnet/v1/token
    client_id: ${getnet.clientId}
    client_secret: ${getnet.clientSecret}
    variables:
      channel: ${getnet.channel}

routes:
  - {path: /gett, credential: gett, upstream: "${simulatorUrl}/gett"}
  - {path: /gobiz, credential: gobiz, upstream: "${simulatorUrl}/gobiz"}
  - {path: /getbill, credential: getbill, upstream: "${simulatorUrl}/getbill"}
  - {path: /uber, credential: uber, upstream: "${simulatorUrl}/uber"}
  - {path: /getnet, credential: getnet, upstream: "${simulatorUrl}/getnet"}
`
}
