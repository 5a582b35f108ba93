import type { Config } from '../config/config.ts'
import type { Caller, TokenServiceCaller } from '../config/schema/callers.ts'
import { isSocketFile } from '../config/schema/listen.ts'
import type { ListenAddress } from '../config/schema/listen.ts'

/** A listener, and who may use it. */
export interface Listening {
  readonly listen: ListenAddress
  readonly callers?: readonly Caller[] | readonly TokenServiceCaller[] | 'anyone' | undefined
}

/** Who may call, for people. */
export function callersInWords({ callers, listen }: Listening): string {
  if (typeof callers === 'object') return callers.map(callerInWords).join('; ')
  if (isSocketFile(listen)) return `whoever may use the socket (mode ${listen.mode.toString(8).padStart(4, '0')})`
  return listen.isLoopback ? 'anyone on this machine' : 'anyone who can connect, without any proof'
}

/** The names of those who may call, for scripts; null where it is anyone. */
export function callerNames({ callers }: Pick<Config, 'callers'>): readonly string[] | null {
  return Array.isArray(callers) ? callers.map(({ name }: Caller) => name) : null
}

function callerInWords({ name, ...more }: Caller | TokenServiceCaller): string {
  const proof = (['api_key', 'jwt', 'tls_subject', 'cidr'] as const).find((candidate) => more[candidate] !== undefined)
  const limits = [
    'routes' in more && more.routes !== undefined && ` on ${more.routes.join(', ')}`,
    'credentials' in more && more.credentials !== undefined && ` for ${more.credentials.join(', ')}`,
  ]
  return `${name} (${proof ?? 'no proof'})${limits.filter((limit) => limit !== false).join('')}`
}
