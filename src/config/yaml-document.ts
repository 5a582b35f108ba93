import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node } from 'yaml'
import { interpolate } from './interpolation.ts'
import type { ConfigProblem } from './problem.ts'
import { formatPath } from './problem.ts'

export type Path = readonly (string | number)[]

/** A YAML file as plain values with variables filled in, and the place in the file of each of them. */
export interface YamlDocument {
  readonly file: string
  readonly value: unknown
  /** Syntax errors, duplicate keys, missing variables. */
  readonly problems: readonly ConfigProblem[]
  /** Whether this very value could not be made (its variable is missing), so that no second problem is reported for it. */
  isBroken(path: Path): boolean
  /** The place of the value at `path`, or of its key, or of the nearest thing around it that the file has. */
  placeOf(path: Path, part?: 'key' | 'value'): { readonly line: number; readonly column: number }
}

/** More values than any honest configuration has: the bound on what aliases can blow a small file up to. */
const maximumValues = 100_000

/**
 * Reads YAML 1.2 (core schema: `on`, `off`, `no` are strings) and fills in `${NAME}` after parsing, so that the value of
 * a variable can never change the structure.
 * @param file the name shown in problems
 * @param text the file's content
 * @param env where variables are looked up; `undefined` leaves `${...}` as it is (presets have no variables)
 */
export function readYaml(file: string, text: string, env: Readonly<NodeJS.ProcessEnv> | undefined): YamlDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const places = new Map<string, { key: number; value: number }>()
  const broken = new Set<string>()
  const problems: ConfigProblem[] = []

  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const report = (offset: number, path: Path, problem: string, remedy: string): void => {
    problems.push({ file, ...at(offset), path: formatPath(path), problem, remedy })
  }

  for (const error of document.errors) {
    const isDuplicate = error.code === 'DUPLICATE_KEY'
    report(
      error.pos[0],
      [],
      isDuplicate ? `the key "${textAt(text, error.pos[0])}" appears twice` : `not valid YAML: ${error.message}`,
      isDuplicate ? 'keep one of them' : 'check the indentation, quotes and brackets around this place',
    )
  }

  let count = 0
  const convert = (node: Node | null, path: Path, keyOffset: number, aliases: readonly Node[]): unknown => {
    const offset = node?.range?.[0] ?? keyOffset
    if (!places.has(JSON.stringify(path))) places.set(JSON.stringify(path), { key: keyOffset, value: offset })
    if (++count > maximumValues) return undefined
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target === undefined || aliases.includes(target)) {
        report(offset, path, 'the alias refers to nothing, or to itself', 'write the value out')
        return undefined
      }
      return convert(target, path, keyOffset, [...aliases, target])
    }
    if (isMap(node)) {
      const map: Record<string, unknown> = {}
      for (const { key, value } of node.items) {
        if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) {
          report(isScalar(key) ? (key.range?.[0] ?? offset) : offset, path, 'a key must be plain text', 'write a plain key')
          continue
        }
        const name = String(key.value)
        // Assigning `__proto__` would set the prototype instead of a key, and hide the key from validation.
        Object.defineProperty(map, name, {
          value: convert(value as Node | null, [...path, name], key.range?.[0] ?? offset, aliases),
          enumerable: true,
          configurable: true,
          writable: true,
        })
      }
      return map
    }
    if (isSeq(node)) return node.items.map((item, index) => convert(item as Node, [...path, index], offset, aliases))
    const value = isScalar(node) ? node.value : null
    if (typeof value !== 'string' || env === undefined) return value
    const { text: filled, problems: missing } = interpolate(value, env)
    for (const { problem, remedy } of missing) report(offset, path, problem, remedy)
    if (missing.length > 0) broken.add(JSON.stringify(path))
    return filled
  }

  const isReadable = document.errors.every((error) => error.code === 'DUPLICATE_KEY')
  const value = isReadable ? convert(document.contents, [], 0, []) : undefined
  if (count > maximumValues) report(0, [], 'the file expands to too many values', 'use fewer aliases')

  return {
    file,
    value,
    problems,
    isBroken: (path) => broken.has(JSON.stringify(path)),
    placeOf: (path, part = 'value') => {
      for (let length = path.length; length >= 0; length--) {
        const place = places.get(JSON.stringify(path.slice(0, length)))
        if (place !== undefined) return at(length < path.length && typeof path[length - 1] === 'string' ? place.key : place[part])
      }
      return { line: 1, column: 1 }
    },
  }
}

function textAt(text: string, offset: number): string {
  return /^["']?([^"':\s]*)/.exec(text.slice(offset, offset + 100))?.[1] ?? ''
}
