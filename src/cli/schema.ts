import { configJsonSchema } from '../config/config-schema.ts'
import type { Command } from './command.ts'

/** `bearerd schema` */
export const schema: Command = {
  name: 'schema',
  usage: 'bearerd schema',
  options: {},
  details:
    'Prints the JSON Schema (draft-07) of the configuration, with what each key means, for completion and help in editors. For one\n' +
    'that speaks to yaml-language-server:\n\n' +
    '  bearerd schema > bearerd.schema.json\n' +
    '  # yaml-language-server: $schema=bearerd.schema.json      (the first line of the configuration)',
  run: async ({ stdout }) => {
    stdout(JSON.stringify(configJsonSchema(), undefined, 2))
    return 0
  },
}
