import { check, onlineOptions } from './check.ts'
import type { Command } from './command.ts'
import { configOption } from './config-file.ts'

/** `bearerd doctor`: `bearerd check --online` by another name. */
export const doctor: Command = {
  name: 'doctor',
  usage: 'bearerd doctor [CREDENTIAL...] [-c FILE] [--timeout DURATION] [--json]',
  options: { ...configOption, ...onlineOptions },
  details:
    'The same as "bearerd check --online". Tries, for each credential and upstream: names, connections, TLS and how long its\n' +
    'certificates are good, egress proxies, a token request, scopes, clocks, and an answer to HEAD without a token; and the\n' +
    "gateway's own addresses, secret files and token store. Each line is ok, a warning, failed or skipped, and says what to do.\n" +
    'Exits 0 when nothing failed (warnings may be), 1 otherwise. With names, only these credentials and their routes.\n\n' +
    'Gets a new token of each credential: one token request each, within the budget. A token store that gateways share gets\n' +
    'it, and they use it.\n\n' +
    '  bearerd doctor\n' +
    '  bearerd doctor gett uber --timeout 3s\n' +
    '  bearerd doctor --json | jq \'.checks[] | select(.status == "failed")\'',
  repeatsLast: true,
  run: (context) => check.run({ ...context, values: { ...context.values, online: true } }),
}
