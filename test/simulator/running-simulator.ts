import { expect, onTestFinished } from 'vitest'
import type { ProviderName } from '../../src/simulator/clients.ts'
import { simulatedClients } from '../../src/simulator/clients.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import type { Simulator, SimulatorOptions } from '../../src/simulator/simulator.ts'

/** A simulator that is closed when the test is over. */
export async function runningSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator(options)
  onTestFinished(async () => await simulator.close())
  return simulator
}

/** A clock that stands until it is moved. */
export function standingClock(): { nowMs: () => number; advance(ms: number): void } {
  let timeMs = Date.UTC(2025, 2, 1, 10)
  return {
    nowMs: () => timeMs,
    advance: (ms) => void (timeMs += ms),
  }
}

/** Status, fields and parsed body of an answer; `json` is null when there is no JSON. */
export interface Received {
  readonly status: number
  readonly fields: Headers
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/** Sends one request below the simulator's URL. */
export async function send(simulator: Simulator, path: string, init: RequestInit = {}): Promise<Received> {
  const response = await fetch(`${simulator.url}${path}`, { redirect: 'manual', ...init })
  const text = await response.text()
  return { status: response.status, fields: response.headers, text, json: parsed(text) as Received['json'] }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

/** The parameters of a faithful client_credentials request, with changes; undefined leaves one out. */
export function credentialParams(name: ProviderName, changes: Record<string, string | undefined> = {}): Record<string, string> {
  const { clientId, clientSecret } = simulatedClients[name]
  const scope = scopes[name]
  const params = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope, ...changes }
  return Object.fromEntries(Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** The same as a multipart body. */
export function multipart(params: Record<string, string>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(params)) form.append(name, value)
  return form
}

/** HTTP Basic credentials, encoded as RFC 6749 2.3.1 wants. */
export function basic(clientId: string, clientSecret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** The path of the token endpoint of each provider, below the simulator's URL. */
export const tokenPaths: Record<ProviderName, string> = {
  gett: '/gett/oauth/token',
  gobiz: '/gobiz/oauth2/token',
  getbill: '/getbill/token',
  uber: '/uber/oauth/v2/token',
  getnet: '/getnet/v1/token',
}

/** The path of the echo call of each provider, below the simulator's URL. */
export const echoPaths: Record<ProviderName, string> = {
  gett: '/gett/v1/echo',
  gobiz: '/gobiz/integrations/echo',
  getbill: '/getbill/external-api/v1/echo',
  uber: '/uber/v1/business/echo',
  getnet: '/getnet/v1/echo',
}

/** A scope that lets the documented calls of each provider through. */
const scopes: Record<ProviderName, string> = {
  gett: 'order company.reference finance employee',
  gobiz: 'partner:outlet:read payment:transaction:write payment:transaction:read',
  getbill: 'debts:read debts:write followups:read company:read',
  uber: 'business.receipts',
  getnet: 'oob',
}

/** The person that a Getnet token request names. */
export const person = { branch: '0001', login: 'u.example', name: 'Usuário Exemplo', enrollment_number: '' }

/** A token request exactly as the documents of the provider show it. */
export function faithfulTokenRequest(name: ProviderName, scope = scopes[name]): RequestInit {
  const { clientId, clientSecret } = simulatedClients[name]
  const params = credentialParams(name, { scope })
  const granted = new URLSearchParams({ grant_type: 'client_credentials', scope })
  const requests: Record<ProviderName, RequestInit> = {
    gett: { body: multipart(params) },
    gobiz: { headers: { authorization: basic(clientId, clientSecret) }, body: granted },
    getbill: { body: new URLSearchParams(params) },
    uber: { body: multipart(params) },
    getnet: { headers: getnetHeaders({ scope }), body: JSON.stringify(person) },
  }
  return { method: 'POST', ...requests[name] }
}

/** The header fields of a Getnet token request, with changes; undefined leaves one out. */
export function getnetHeaders(changes: Record<string, string | undefined> = {}): Record<string, string> {
  const { clientId, clientSecret, channel } = simulatedClients.getnet
  const fields = {
    client_id: clientId,
    client_secret: clientSecret,
    channel,
    scope: 'oob',
    'content-type': 'application/json',
    ...changes,
  }
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** A new token. */
export async function newToken(simulator: Simulator, name: ProviderName, scope?: string): Promise<string> {
  const { json } = await send(simulator, tokenPaths[name], faithfulTokenRequest(name, scope))
  return json['access_token'] as string
}

/** Authorization as the provider wants it. */
export function authorization(name: ProviderName, token: string): string {
  return name === 'getnet' ? token : `Bearer ${token}`
}

/** An API call with a new token, or with the given one. */
export async function call(
  simulator: Simulator,
  name: ProviderName,
  path: string,
  init: RequestInit & { token?: string; scope?: string } = {},
): Promise<Received> {
  const { token, scope, headers, ...rest } = init
  const fields = new Headers(headers)
  fields.set('authorization', authorization(name, token ?? (await newToken(simulator, name, scope))))
  return await send(simulator, path, { ...rest, headers: fields })
}

/** A JSON body with its media type. */
export function jsonBody(value: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

/** A request that is not answered while others are; then its caller leaves. */
export async function expectNoAnswer(simulator: Simulator, pending: Promise<Response>, caller: AbortController): Promise<void> {
  const others = async (): Promise<string> => {
    for (let requests = 0; requests < 5; requests += 1) await send(simulator, '/_control')
    return 'no answer'
  }
  expect(await Promise.race([pending, others()])).toBe('no answer')
  caller.abort()
  await expect(pending).rejects.toThrow('aborted')
}
