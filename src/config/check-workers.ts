import type { z } from 'zod'
import type { Known, Route } from './config.ts'
import type { Report } from './report.ts'
import type { gatewaySchema } from './schema/gateway.ts'

/**
 * Checks that what is configured for all workers together can be divided among them.
 * @param routes all of them, in the order of the file
 */
export function checkWorkers(
  { workers }: Known<z.output<ReturnType<typeof gatewaySchema>>>,
  routes: readonly Pick<Route, 'max_connections'>[],
  report: Report,
): void {
  if (workers === undefined) return
  for (const [index, { max_connections }] of routes.entries()) {
    if (max_connections >= workers) continue
    report(
      'conflicting_keys',
      ['routes', index, 'max_connections'],
      `fewer connections than there are workers (${workers}), each of which needs one of its own; write ${workers} at least, or fewer workers`,
    )
  }
}
