import type { Config } from '../../config/config.ts'
import { isSocketFile } from '../../config/schema/listen.ts'
import { callerNames, callersInWords } from '../callers-in-words.ts'
import type { Finding } from './finding.ts'

/** Says who may call; that anyone may who can connect is worth a warning, said out loud or not. */
export function examineCallers(config: Pick<Config, 'callers' | 'listen'>): Finding {
  const facts = { callers: callerNames(config) }
  const words = callersInWords(config)
  const isOpen = facts.callers === null && !isSocketFile(config.listen) && !config.listen.isLoopback
  return isOpen
    ? {
        check: 'callers',
        verdict: 'warning',
        message: `${words}; name them under callers, unless the network lets nobody else in`,
        facts,
      }
    : { check: 'callers', verdict: 'ok', message: words, facts }
}
