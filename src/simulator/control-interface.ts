import type { IncomingMessage } from 'node:http'
import { jsonAnswer, withFields } from './answer.ts'
import type { Answer } from './answer.ts'
import { providerNames } from './clients.ts'
import type { ProviderName } from './clients.ts'
import type { Elsewhere } from './elsewhere.ts'
import { FaultSwitchError, knownSwitches } from './fault-switches.ts'
import type { Provider } from './provider.ts'
import { isJsonObject, parseJson, readBody } from './received-body.ts'

/** What the control interface controls. */
export interface Controlled {
  readonly providers: Readonly<Record<ProviderName, Provider>>
  readonly elsewhere: Elsewhere & { reset(): void }
}

/** Answers a request below `/_control` (`path` is what comes after it). docs/simulator.md has the list of what there is. */
export async function answerControl(request: IncomingMessage, path: string, controlled: Controlled): Promise<Answer> {
  const { content } = await readBody(request, MAX_BODY_BYTES)
  const [, first = '', second = '', ...rest] = path.split('/')
  if (rest.length > 0) return notFound()
  if (first === '') return byMethod(request, { GET: () => jsonAnswer(200, describeAll(controlled)) })
  if (first === 'reset' && second === '') return byMethod(request, { POST: () => jsonAnswer(200, resetAll(controlled)) })
  const name = providerNames.find((known) => known === first)
  if (name === undefined) return notFound()
  return answerForProvider(request, second, controlled.providers[name], content)
}

const MAX_BODY_BYTES = 64 * 1024

function answerForProvider(request: IncomingMessage, path: string, provider: Provider, content: Buffer | undefined): Answer {
  switch (path) {
    case '':
      return byMethod(request, { GET: () => jsonAnswer(200, describe(provider)) })
    case 'revoke':
      return byMethod(request, { POST: () => jsonAnswer(200, { revoked: provider.revokeAll() }) })
    case 'faults':
      return byMethod(request, {
        GET: () => jsonAnswer(200, provider.faults),
        PUT: () => setFaults(provider, content),
        DELETE: () => {
          provider.faults.reset()
          return jsonAnswer(200, provider.faults)
        },
      })
    default:
      return notFound()
  }
}

function setFaults(provider: Provider, content: Buffer | undefined): Answer {
  const switches = content === undefined ? undefined : parseJson(content)
  if (!isJsonObject(switches)) return badSwitches(provider, ['the body must be a JSON object of switches'])
  try {
    provider.faults.set(switches)
  } catch (error) {
    if (error instanceof FaultSwitchError) return badSwitches(provider, error.problems)
    throw error
  }
  return jsonAnswer(200, provider.faults)
}

function badSwitches(provider: Provider, problems: readonly string[]): Answer {
  return jsonAnswer(400, { error: 'bad_switches', problems, known_switches: knownSwitches(provider.name) })
}

function describeAll({ providers, elsewhere }: Controlled): Record<string, unknown> {
  return {
    providers: Object.fromEntries(providerNames.map((name) => [name, describe(providers[name])])),
    elsewhere: { url: elsewhere.url, requests: elsewhere.requests, tokens_seen: elsewhere.tokensSeen },
  }
}

function describe({ stats, faults }: Provider): Record<string, unknown> {
  return {
    stats: {
      token_requests: stats.tokenRequests,
      token_requests_refused: stats.tokenRequestsRefused,
      api_requests: stats.apiRequests,
      api_refused: stats.apiRefused,
    },
    live_tokens: stats.liveTokens,
    faults,
  }
}

function resetAll(controlled: Controlled): Record<string, unknown> {
  for (const name of providerNames) controlled.providers[name].reset()
  controlled.elsewhere.reset()
  return describeAll(controlled)
}

function byMethod(request: IncomingMessage, answers: Partial<Record<string, () => Answer>>): Answer {
  const answer = answers[request.method ?? '']
  if (answer !== undefined) return answer()
  return withFields(jsonAnswer(405, { error: 'method_not_allowed' }), { Allow: Object.keys(answers).join(', ') })
}

function notFound(): Answer {
  return jsonAnswer(404, {
    error: 'not_found',
    known_paths: [
      'GET /_control',
      'POST /_control/reset',
      'GET /_control/PROVIDER',
      'POST /_control/PROVIDER/revoke',
      'GET, PUT, DELETE /_control/PROVIDER/faults',
    ],
    known_providers: providerNames,
  })
}
