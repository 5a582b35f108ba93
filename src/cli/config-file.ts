import type { CommandContext, CommandOptions } from './command.ts'

/** The option that names the configuration. */
export const configOption: CommandOptions = {
  config: { type: 'string', short: 'c', value: 'FILE', help: 'the configuration; else BEARERD_CONFIG, else ./proxy.config.yaml' },
}

/** The configuration file that is meant. */
export function configFileOf({ values, env }: Pick<CommandContext, 'values' | 'env'>): string {
  if (typeof values['config'] === 'string') return values['config']
  return env['BEARERD_CONFIG'] === undefined || env['BEARERD_CONFIG'] === '' ? './proxy.config.yaml' : env['BEARERD_CONFIG']
}
