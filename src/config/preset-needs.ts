import { parseConfig } from './load-config.ts'
import { ConfigError } from './problem.ts'

/** What a preset leaves to its user, as paths: `client_id`, `variables.channel`; of a route `upstream`. */
export interface PresetNeeds {
  readonly credential: readonly string[]
  readonly route: readonly string[]
}

/** What the configuration says is missing when a preset is used with nothing else. @param provider one of `presetNames()` */
export function presetNeeds(provider: string): PresetNeeds {
  const paths = missingIn(`{credentials: {mine: {provider: ${provider}}}, routes: [{path: /, credential: mine}]}`)
  const below = (start: string): string[] => paths.flatMap((path) => (path.startsWith(start) ? [path.slice(start.length)] : []))
  return { credential: below('credentials.mine.'), route: below('routes[0].') }
}

function missingIn(text: string): string[] {
  try {
    parseConfig('', text, {})
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path }) => path)
  }
}
