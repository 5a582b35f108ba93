import type { CommandContext } from '../command.ts'
import type { CredentialPlan } from './credential-plan.ts'
import { schemaFileName, variablesIn } from './config-file-text.ts'

/**
 * What is left to do, for people.
 * @param text of the configuration
 * @param file where it was written; undefined where it was printed
 */
export function nextSteps(
  plans: readonly CredentialPlan[],
  text: string,
  file: string | undefined,
  { values, env }: Pick<CommandContext, 'values' | 'env'>,
): string[] {
  const missing = variablesIn(text).filter((name) => (env[name] ?? '') === '')
  const isNamed = typeof values['config'] === 'string'
  const option = file === undefined ? ' -c FILE' : isNamed ? ` -c ${/^[\w./-]+$/.test(file) ? file : JSON.stringify(file)}` : ''
  const isVisible = typeof values['from-curl'] === 'string' && values['from-curl'] !== '-'
  const hasKey = plans.some(({ keys }) => JSON.stringify(keys).includes('/run/secrets/'))
  // Who works from a checkout has no command of this name.
  const program = env['npm_lifecycle_event'] === 'bearerd' ? 'npm run bearerd --' : 'bearerd'
  return [
    ...plans.flatMap(({ notes }) => notes),
    ...plans
      .filter(({ isUpstreamGuessed }) => isUpstreamGuessed)
      .map(({ name, upstream }) => `The upstream of ${name} is a guess (${upstream}): correct it, or say --upstream URL.`),
    ...(isVisible
      ? [
          'If that call had real secrets in it: others could see it while it ran, and the shell keeps it. --from-curl - reads standard input.',
        ]
      : []),
    'Next:',
    ...missing.map((name) => `  export ${name}=...`),
    ...(hasKey ? ['  put the private key where the configuration says'] : []),
    ...(file === undefined ? [`  ${program} schema > ${schemaFileName}`] : []),
    // Says all that `bearerd check` says, and whether the provider takes the secrets.
    `  ${program} doctor${option}`,
    `  ${program} serve${option}`,
    ...plans.slice(0, 1).map(({ path }) => `  curl http://127.0.0.1:8080${path}/...`),
  ]
}
