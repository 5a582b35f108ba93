import { loadConfig } from '../config/load-config.ts'
import type { Command } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'

/** `bearerd check` */
export const check: Command = {
  name: 'check',
  usage: 'bearerd check [-c FILE] [--json]',
  options: { ...configOption, json: { type: 'boolean', help: 'print the result as JSON' } },
  details: 'Prints every problem as FILE:LINE:COLUMN: KEY: PROBLEM; REMEDY and exits 1, or prints the routes and exits 0. Opens no connection.',
  run: async (context) => {
    const file = configFileOf(context)
    const { routes, credentials, listen } = loadConfig(file, context.env)
    const rows = routes.map(({ label, upstream, credential }) => ({
      path: label,
      upstream: `${upstream.isTls ? 'https' : 'http'}://${upstream.authority}${upstream.basePath}`,
      credential: credential?.name ?? null,
      token_endpoint: credential?.token_endpoint ?? null,
    }))
    if (context.values['json'] === true) {
      context.stdout(JSON.stringify({ valid: true, file, routes: rows }))
      return 0
    }
    context.stdout(`${file}: ${routes.length} routes, ${credentials.size} credentials, listening on ${listen.host}:${listen.port}`)
    for (const { path, upstream, credential, token_endpoint } of rows) {
      const token = credential === null ? 'no token' : `token of ${credential} from ${token_endpoint}`
      context.stdout(`  ${path} -> ${upstream}  (${token})`)
    }
    return 0
  },
}
