import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './cli-process.ts'

/** One instruction of a Dockerfile, its lines joined. */
export interface Instruction {
  readonly keyword: string
  readonly value: string
}

/** What begins with a FROM. */
export interface Stage {
  readonly base: string
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

/** The Dockerfile of the project. */
export const dockerfileText = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8')

/** What of the project a build gets to see: the list of .dockerignore names it, and all else is left out. */
export const contextNames = contextOf(readFileSync(join(projectRoot, '.dockerignore'), 'utf8'))

/** Reads the stages. It knows what our file uses, and throws for what it does not know. */
export function stagesOf(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, keyword = '', value = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    if (keyword === '') throw new Error(`not an instruction: ${line}`)
    if (keyword === 'FROM') {
      const [, base = '', name] = /^(\S+)(?: AS (\S+))?$/.exec(value) ?? []
      stages.push({ base, name, instructions: [] })
    } else stages.at(-1)?.instructions.push({ keyword, value })
  }
  return stages
}

/** The values of all instructions of a kind. */
export function valuesOf(stage: Stage, keyword: string): string[] {
  return stage.instructions.filter((each) => each.keyword === keyword).map(({ value }) => value)
}

/** `NAME=value` pairs, of ENV and LABEL. */
export function pairsOf(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    values.flatMap((value) =>
      [...value.matchAll(/(\S+?)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', quoted, plain]) => [name, quoted ?? plain]),
    ),
  ) as Record<string, string>
}

function contextOf(text: string): string[] {
  const [first, ...names] = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (first !== '*' || !names.every((name) => /^!\.?[a-zA-Z.-]+(\/[a-zA-Z.-]+)*$/.test(name)))
    throw new Error('.dockerignore has to list what is let in')
  return names.map((name) => name.slice(1))
}
