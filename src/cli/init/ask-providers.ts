import type { Preset } from '../../config/presets.ts'
import { presetNames, readPreset } from '../../config/presets.ts'
import { presetNeeds } from '../../config/preset-needs.ts'
import { parseUpstreamUrl } from '../../config/schema/url.ts'
import { OperationError } from '../command.ts'
import type { PlanWishes } from './credential-plan.ts'
import type { Questions } from './questions.ts'

/** A provider that somebody chose, and what of it is no secret. */
export interface ChosenProvider {
  readonly preset: Preset
  readonly wishes: PlanWishes
}

/**
 * Asks which providers a configuration is for, and what only its user knows of each.
 * @param say prints a line
 * @throws OperationError when there is no answer, or none of the providers is meant
 */
export async function askProviders(questions: Questions, say: (line: string) => void): Promise<ChosenProvider[]> {
  say(`Providers with a preset:\n\n${columns(presetNames())}\n`)
  const presets = await askNames(questions, say)
  const chosen: ChosenProvider[] = []
  for (const preset of presets) chosen.push({ preset, wishes: await askAbout(preset, questions, say) })
  return chosen
}

/**
 * Asks for the base URL of an API.
 * @param suggested taken when nothing is typed
 */
export async function askUpstream(
  name: string,
  suggested: string | undefined,
  questions: Questions,
  say: (line: string) => void,
): Promise<string | undefined> {
  return await askUrl(`Base URL of the API of ${name}`, suggested, questions, say)
}

async function askNames(questions: Questions, say: (line: string) => void): Promise<Preset[]> {
  const names = presetNames()
  for (;;) {
    const line = await questions.ask(
      'Which ones? Names or how they begin, with blanks between them (nothing: another provider): ',
      names,
    )
    if (line === '')
      throw new OperationError(
        'for a provider without a preset: bearerd init --from-curl - reads a call of curl that asks for a token',
      )
    const found = line
      .split(/[\s,]+/)
      .map((word) => ({ word, matches: names.includes(word) ? [word] : names.filter((name) => name.startsWith(word)) }))
    const unclear = found.find(({ matches }) => matches.length !== 1)
    if (unclear === undefined) return [...new Set(found.flatMap(({ matches }) => matches))].map(readPreset)
    const { word, matches } = unclear
    say(
      matches.length === 0
        ? `There is no preset ${JSON.stringify(word)}.`
        : `${JSON.stringify(word)} may be ${matches.join(' or ')}.`,
    )
  }
}

async function askAbout(preset: Preset, questions: Questions, say: (line: string) => void): Promise<PlanWishes> {
  const { name, environments } = preset
  const { credential, route } = presetNeeds(name)
  const all = ['production', ...Object.keys(environments)]
  const environment =
    all.length > 1 ? await askOneOf(`Environment of ${name} (${all.join(', ')})`, all, questions, say) : undefined
  const tokenEndpoint = credential.includes('token_endpoint')
    ? await askUrl(`Token endpoint of ${name}`, undefined, questions, say)
    : undefined
  const upstream = route.includes('upstream')
    ? await askUrl(`Base URL of the API of ${name}`, undefined, questions, say)
    : undefined
  return { environment, tokenEndpoint, upstream }
}

async function askOneOf(
  question: string,
  words: readonly string[],
  questions: Questions,
  say: (line: string) => void,
): Promise<string | undefined> {
  for (;;) {
    const line = await questions.ask(`${question} [${words[0]}]: `, words)
    if (line === '') return undefined
    const matches = words.includes(line) ? [line] : words.filter((word) => word.startsWith(line))
    if (matches.length === 1) return matches[0]
    say(`One of ${words.join(', ')}.`)
  }
}

/** @returns undefined when it is to be a variable */
async function askUrl(
  question: string,
  suggested: string | undefined,
  questions: Questions,
  say: (line: string) => void,
): Promise<string | undefined> {
  for (;;) {
    const line = await questions.ask(`${question} [${suggested ?? 'a variable'}]: `)
    if (line === '') return suggested
    const problem = parseUpstreamUrl(line)
    if (typeof problem !== 'string') return line
    say(`${problem}.`)
  }
}

const terminalWidth = 80

function columns(words: readonly string[]): string {
  const width = Math.max(...words.map((word) => word.length)) + 2
  const perLine = Math.floor((terminalWidth - 2) / width)
  const rows = Array.from({ length: Math.ceil(words.length / perLine) }, (_, row) =>
    words.slice(row * perLine, (row + 1) * perLine),
  )
  return rows
    .map(
      (row) =>
        `  ${row
          .map((word) => word.padEnd(width))
          .join('')
          .trimEnd()}`,
    )
    .join('\n')
}
