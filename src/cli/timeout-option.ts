import { longestTimerMs, parseDuration } from '../config/quantities.ts'
import { UsageError } from './command.ts'
import type { CommandContext } from './command.ts'

/**
 * What --timeout says, in milliseconds.
 * @param usual where it is not said
 * @throws UsageError for what is no duration, or one that no timer can wait for
 */
export function timeoutOf({ values }: Pick<CommandContext, 'values'>, usual: string): number {
  const { timeout = usual } = values
  const ms = parseDuration(String(timeout))
  if (ms !== undefined && ms > 0 && ms <= longestTimerMs) return ms
  throw new UsageError(`--timeout takes a duration such as 90s or 5m, not ${JSON.stringify(timeout)}`)
}
