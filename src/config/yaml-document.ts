import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Node, Pair, ParsedNode, Scalar, YAMLMap } from 'yaml'
import { FilledText, interpolate } from './interpolation.ts'
import type { ConfigProblemCode } from './problem-codes.ts'
import type { ConfigProblem } from './problem.ts'
import { formatPath, problemAt } from './problem.ts'
import { isTemplatePlace } from './template-places.ts'
import { syntaxProblem } from './yaml-syntax.ts'

export type Path = readonly (string | number)[]

/** Stands where a value could not be made (its variable is missing). The problem is reported; no schema should report another. */
export const broken = Symbol('broken')

/** A YAML file as plain values with variables filled in, and the place in the file of each of them. */
export interface YamlDocument {
  /** Undefined when nothing can be made of the file; templates with variables in them are a `FilledText`. */
  readonly value: unknown
  /** Syntax errors, duplicate keys, missing variables. */
  readonly problems: readonly ConfigProblem[]
  /** The place of the value at `path`, or of its key, or of the nearest thing around it that the file has. */
  placeOf(path: Path, part?: 'key' | 'value'): Place
}

interface Place {
  /** 1-based, as `column`. */
  readonly line: number
  readonly column: number
}

/** More values than any honest configuration has: the bound on what aliases can blow a small file up to. */
const maximumValues = 20_000

/** One slip makes the parser stumble over all that follows. */
const maximumSyntaxErrors = 3

/**
 * Reads YAML 1.2 (core schema: `on`, `off`, `no` are strings) and fills in `${NAME}` after parsing, so that the value of
 * a variable can never change the structure.
 * @param file the name shown in problems
 * @param text the file's content
 * @param env where variables are looked up; `undefined` leaves `${...}` as it is (presets have no variables)
 */
export function readYaml(file: string, text: string, env: Readonly<NodeJS.ProcessEnv> | undefined): YamlDocument {
  const lines = new LineCounter()
  // Keys that appear twice are found below, where their path is known.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  const places = new Map<string, { key: number; value: number }>()
  const problems = new Map<string, ConfigProblem>()

  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const report = (code: ConfigProblemCode, offset: number, path: Path, message: string): void => {
    // What an anchor holds is read once for each of its aliases, but wrong only once.
    const id = `${offset} ${message}`
    if (!problems.has(id)) problems.set(id, problemAt(code, file, at(offset), formatPath(path), message))
  }

  let count = 0
  const convert = (node: Node | null, path: Path, keyOffset: number, aliases: readonly Node[]): unknown => {
    const offset = node?.range?.[0] ?? keyOffset
    if (++count > maximumValues) return broken
    const id = JSON.stringify(path)
    if (!places.has(id)) places.set(id, { key: keyOffset, value: offset })
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (target !== undefined && !aliases.includes(target)) return convert(target, path, keyOffset, [...aliases, target])
      report('yaml_syntax', offset, path, 'the alias refers to nothing, or to itself; write the value out')
      return broken
    }
    if (isMap(node)) return convertMap(node, path, offset, aliases)
    if (isSeq(node)) return node.items.map((item, index) => convert(item as Node, [...path, index], offset, aliases))
    return isScalar(node) ? convertScalar(node, path, offset) : null
  }

  const convertMap = ({ items }: YAMLMap, path: Path, offset: number, aliases: readonly Node[]): Record<string, unknown> => {
    const map: Record<string, unknown> = {}
    for (const { key, value } of items as Pair<ParsedNode, Node | null>[]) {
      const keyOffset = key?.range[0] ?? offset
      const name = nameOf(key)
      if (name === undefined) {
        report('yaml_syntax', keyOffset, path, 'a key must be plain text; write a plain key')
      } else if (Object.hasOwn(map, name)) {
        report('duplicate_key', keyOffset, [...path, name], `the key "${name}" appears twice; keep one of them`)
      } else if (name === '__proto__') {
        // JavaScript means the prototype by it: such a key would get lost on its way, or worse.
        report('reserved_name', keyOffset, [...path, name], 'a key cannot have this name; remove it or choose another name')
      } else {
        map[name] = convert(value, [...path, name], keyOffset, aliases)
      }
    }
    return map
  }

  const convertScalar = ({ value, source }: Scalar, path: Path, offset: number): unknown => {
    if (typeof value === 'number' && source !== undefined && String(value) !== source) {
      report(
        'invalid_value',
        offset,
        path,
        'YAML would change these digits; quote them if they are a text, or write the number plainly',
      )
      return broken
    }
    if (typeof value !== 'string' || env === undefined) return value
    const { pieces, problems: missing } = interpolate(value, env)
    for (const { code, problem, remedy } of missing) report(code, offset, path, `${problem}; ${remedy}`)
    if (missing.length > 0) return broken
    return pieces.length > 1 && isTemplatePlace(path) ? new FilledText(pieces) : pieces.map((piece) => piece.text).join('')
  }

  for (const { code, pos } of document.errors.slice(0, maximumSyntaxErrors))
    report('yaml_syntax', pos[0], [], syntaxProblem(code))
  const value = document.errors.length === 0 ? convert(document.contents, [], 0, []) : undefined
  if (count > maximumValues) report('yaml_syntax', 0, [], 'the file expands to too many values; use fewer aliases')

  return {
    value: count > maximumValues ? undefined : value,
    problems: [...problems.values()],
    placeOf: (path, part = 'value') => {
      for (let length = path.length; length >= 0; length--) {
        const place = places.get(JSON.stringify(path.slice(0, length)))
        if (place !== undefined) return at(length < path.length && typeof path[length - 1] === 'string' ? place.key : place[part])
      }
      return { line: 1, column: 1 }
    },
  }
}

function nameOf(key: ParsedNode | null): string | undefined {
  if (!isScalar(key)) return undefined
  if (typeof key.value === 'string') return key.value
  return typeof key.value === 'number' ? (key.source ?? String(key.value)) : undefined
}
