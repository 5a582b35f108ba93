/** The five providers that are simulated. Each is served under a path prefix of its own name. */
export const providerNames = ['gett', 'gobiz', 'getbill', 'uber', 'getnet'] as const

/** Name of one simulated provider. */
export type ProviderName = (typeof providerNames)[number]

/**
 * The one client that each simulated provider knows, with whatever else its calls must carry. Fixed and public on purpose:
 * a demo configuration names them, and nobody can mistake them for real ones.
 */
export const simulatedClients = {
  gett: {
    clientId: 'gett-demo-client',
    clientSecret: 'gett-demo-secret',
    /** Query parameter `businessId` of every Gett call. */
    businessId: '00000000-0000-4000-8000-00000000b1d0',
  },
  gobiz: {
    clientId: 'gobiz-demo-client',
    clientSecret: 'gobiz-demo-secret',
  },
  getbill: {
    clientId: 'getbill-demo-client',
    clientSecret: 'getbill-demo-secret',
  },
  uber: {
    clientId: 'uber-demo-client',
    clientSecret: 'uber-demo-secret',
    /** Field `x-uber-organizationuuid` of order receipts. */
    organizationUuid: '00000000-0000-4000-8000-0000000007b3',
  },
  getnet: {
    clientId: 'getnet-demo-client',
    clientSecret: 'getnet-demo-secret',
    /** Field `channel` of the token request. */
    channel: 'demo-channel',
  },
} as const satisfies Record<ProviderName, Record<string, string> & { clientId: string; clientSecret: string }>

/** The simulated client of provider N. */
export type SimulatedClient<N extends ProviderName> = (typeof simulatedClients)[N]
