import type { Config } from '../config/config.ts'
import { isSocketFile } from '../config/schema/listen.ts'
import type { Caller } from '../config/schema/callers.ts'

/** Who may call, for people. */
export function callersInWords({ callers, listen }: Pick<Config, 'callers' | 'listen'>): string {
  if (Array.isArray(callers)) return callers.map(callerInWords).join('; ')
  if (isSocketFile(listen)) return `whoever may use the socket (mode ${listen.mode.toString(8).padStart(4, '0')})`
  return listen.isLoopback ? 'anyone on this machine' : 'anyone who can connect, without any proof'
}

/** The names of those who may call, for scripts; null where it is anyone. */
export function callerNames({ callers }: Pick<Config, 'callers'>): readonly string[] | null {
  return Array.isArray(callers) ? callers.map(({ name }: Caller) => name) : null
}

function callerInWords({ name, routes, ...proofs }: Caller): string {
  const proof = (['api_key', 'jwt', 'tls_subject', 'cidr'] as const).find((candidate) => proofs[candidate] !== undefined)
  return `${name} (${proof ?? 'no proof'})${routes === undefined ? '' : ` on ${routes.join(', ')}`}`
}
