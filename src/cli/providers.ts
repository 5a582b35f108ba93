import { presetNames, readPreset } from '../config/presets.ts'
import type { Command } from './command.ts'

/** `bearerd providers` */
export const providers: Command = {
  name: 'providers',
  usage: 'bearerd providers [--json]',
  options: { json: { type: 'boolean', help: 'print the list as JSON' } },
  details: 'Use one with "provider: NAME" under a credential; every key of it can be set on top.',
  run: async ({ values, stdout }) => {
    const presets = presetNames().map(readPreset)
    if (values['json'] === true) {
      stdout(
        JSON.stringify(
          presets.map(({ name, title, documentation, upstream = null, environments }) => ({
            name,
            title,
            documentation,
            upstream,
            environments: ['production', ...Object.keys(environments)],
          })),
        ),
      )
      return 0
    }
    const width = Math.max(...presets.map(({ name }) => name.length))
    for (const { name, title, upstream, environments } of presets) {
      const also = Object.keys(environments)
      stdout(
        `${name.padEnd(width)}  ${title}  ${upstream ?? ''}${also.length > 0 ? `  (environments: production, ${also.join(', ')})` : ''}`,
      )
    }
    return 0
  },
}
