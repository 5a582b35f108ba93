import type { Config } from '../config/config.ts'
import { formatAddress } from '../config/schema/listen.ts'
import { askAdmin } from './ask-admin.ts'

/** What a probe says. */
interface ProbeAnswer {
  readonly isGood: boolean
  /** For people: what was asked, and what it said or why it said nothing. */
  readonly says: string
}

/** The probes of the admin interface. */
type Probe = '/readyz' | '/livez'

/** More than any answer of ours. */
const longestAnswer = 4_096

/**
 * Asks a probe of the gateway on this machine.
 * @param withinMs how long it may take in all
 */
export async function askProbe(
  admin: Pick<Config['admin'], 'listen' | 'tls'>,
  probe: Probe,
  withinMs: number,
): Promise<ProbeAnswer> {
  const shown = `${probe} at ${formatAddress(admin.listen)}`
  const answer = await askAdmin(admin, `${probe}?verbose`, { withinMs, longestAnswer })
  if (typeof answer === 'string') return { isGood: false, says: `${shown} ${answer}` }
  const { status, text } = answer
  return { isGood: status === 200, says: `${shown} is ${status}${status === 200 ? '' : missingParts(text)}` }
}

/** The lines of `?verbose` that say what is not as it should be. */
function missingParts(text: string): string {
  const parts = [...text.matchAll(/^\[-\](\w+)/gm)].map(([, name]) => name)
  return parts.length === 0 ? '' : `: not ready: ${parts.join(', ')}`
}
