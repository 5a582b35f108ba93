/**
 * Every kind of problem that a configuration can have, told apart by what a person has to do about it, each with its title.
 * docs/errors.md has an entry for each; what is here once stays.
 */
export const configProblems = {
  no_configuration: 'The configuration file cannot be read',
  empty_configuration: 'The configuration file is empty',
  yaml_syntax: 'The file is not YAML that can be read',
  malformed_variable: 'A ${...} is not a variable',
  missing_variable: 'An environment variable is not set',
  duplicate_key: 'A key is there twice',
  unknown_key: 'There is no such key',
  required_key: 'A key is missing',
  invalid_value: 'The value cannot stand here',
  unknown_name: 'What the name is of does not exist',
  wrong_placeholder: 'The template cannot have this placeholder, or lacks one',
  not_unique: 'Something else has this already',
  reserved_name: 'The name is for something else',
  conflicting_keys: 'Keys do not go together',
  no_effect: 'The key would have no effect',
  unreadable_file: 'A file that the configuration names cannot be used',
  unusable_key: 'A key or certificate cannot be used',
  unusable_proxy: 'The proxy of the environment cannot be used',
  clear_text: 'Something secret would cross the network in clear text',
  open_to_all: 'Everybody on the network could use the tokens',
  token_not_kept: 'A refresh token would be lost',
  restart_needed: 'The key cannot change while bearerd runs',
} as const satisfies Record<string, string>

export type ConfigProblemCode = keyof typeof configProblems
