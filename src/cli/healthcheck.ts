import { readAdmin } from '../config/read-admin.ts'
import { askProbe } from './ask-probe.ts'
import { OperationError } from './command.ts'
import type { Command } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'

/** Whoever runs it has a limit of its own, usually of a few seconds. */
const withinMs = 2_000

/** `bearerd healthcheck` */
export const healthcheck: Command = {
  name: 'healthcheck',
  usage: 'bearerd healthcheck [-c FILE] [--live]',
  options: { ...configOption, live: { type: 'boolean', help: 'ask /livez instead: whether it runs at all' } },
  details:
    'Asks /readyz of the gateway on this machine, at the address under "admin.listen", and exits 0 when it is ready, 1 when it\n' +
    'is not or does not answer within 2 s. For the health check of a container:\n\n' +
    '  HEALTHCHECK CMD ["bearerd", "healthcheck", "-c", "/etc/bearerd/proxy.config.yaml"]',
  run: async (context) => {
    const admin = readAdmin(configFileOf(context), context.env)
    const { isGood, says } = await askProbe(admin, context.values['live'] === true ? '/livez' : '/readyz', withinMs)
    if (!isGood) throw new OperationError(says)
    context.stdout(says)
    return 0
  },
}
