import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'vitest'
import { parse } from 'yaml'
import { projectRoot } from './cli-process.ts'

/** An answer that was got of a server. */
export interface GotAnswer {
  readonly status: number
  readonly contentType: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  /** Undefined where it is no JSON. */
  readonly json: unknown
}

/** An OpenAPI document, against which answers are held. */
export interface ApiDocument {
  readonly text: string
  /** `GET /status` and so on. */
  readonly operations: readonly string[]
  /** What the document says and its rules forbid (OpenAPI 3.1), each with its place. */
  problems(): string[]
  /** Checks an answer: its status, its kind and its JSON are those of the document, and it has the fields of the answer. */
  holds(operation: string, answer: GotAnswer): void
  /** Answers of the document that no call of `holds` has shown so far: `GET /status 200`. */
  unseen(): string[]
}

interface Media {
  readonly schema?: unknown
}

interface Reply {
  readonly description?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, Media>>
}

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly parameters?: readonly unknown[]
  readonly security?: readonly Readonly<Record<string, unknown>>[]
  readonly responses?: Readonly<Record<string, unknown>>
}

interface Root {
  readonly openapi: string
  readonly info: Readonly<Record<string, unknown>>
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** Reads a document of the project. */
export function readApiDocument(path: string): ApiDocument {
  const text = readFileSync(join(projectRoot, path), 'utf8')
  const root = parse(text) as Root
  const operations = Object.entries(root.paths).flatMap(([at, item]) =>
    Object.entries(item)
      .filter(([method]) => methods.includes(method))
      .map(([method, operation]) => ({ name: `${method.toUpperCase()} ${at}`, at, item, operation })),
  )
  const seen = new Set<string>()
  const replyOf = (name: string, status: number): Reply | undefined => {
    const responses = operations.find((operation) => operation.name === name)?.operation.responses
    return resolved(root, responses?.[status]) as Reply | undefined
  }
  return {
    text,
    operations: operations.map(({ name }) => name),
    problems: () => [...referenceProblems(root), ...operations.flatMap((operation) => operationProblems(root, operation))],
    holds: (name, { status, contentType, headers, json }) => {
      const reply = replyOf(name, status)
      expect(reply, `${name} answers ${status}, which the document does not say`).toBeDefined()
      seen.add(`${name} ${status}`)
      for (const field of Object.keys(reply?.headers ?? {})) expect(headers, name).toHaveProperty(field.toLowerCase())
      if (reply?.content === undefined) return
      const kind = contentType?.split(';')[0] ?? ''
      expect(Object.keys(reply.content), `${name} ${status}`).toContain(kind)
      if (/\bjson$/.test(kind)) expect(jsonProblems(root, reply.content[kind]?.schema, json), `${name} ${status}`).toEqual([])
    },
    unseen: () =>
      operations
        .flatMap(({ name, operation }) => Object.keys(operation.responses ?? {}).map((status) => `${name} ${status}`))
        .filter((answer) => !seen.has(answer)),
  }
}

/** What an answer has beyond its schema is a problem too: to its readers fields may be added, here they have to be described. */
function jsonProblems(root: Root, schema: unknown, json: unknown): string[] {
  const ajv = new Ajv2020({
    allErrors: true,
    allowUnionTypes: true,
    formats: { 'date-time': /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, uri: /^[a-z]+:\S+$/ },
  })
  const whole = { ...(schema as object), $defs: root.components['schemas'] }
  const closed = JSON.stringify(whole, (_key, value: unknown) =>
    isClosable(value) ? { ...value, additionalProperties: false } : value,
  )
  const validate = ajv.compile(JSON.parse(closed.replaceAll('#/components/schemas/', '#/$defs/')) as object)
  validate(json)
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
  )
}

function isClosable(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && 'properties' in value && 'type' in value && !('additionalProperties' in value)
  )
}

/** References lead somewhere, and every component is referred to. */
function referenceProblems(root: Root): string[] {
  const references = [...JSON.stringify(root).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference)
  const dangling = references.filter((reference) => resolved(root, { $ref: reference }) === undefined)
  const components = Object.entries(root.components).flatMap(([group, parts]) =>
    group === 'securitySchemes' ? [] : Object.keys(parts).map((name) => `#/components/${group}/${name}`),
  )
  return [
    ...(/^3\.1\.\d+$/.test(root.openapi) ? [] : ['openapi is no version 3.1']),
    ...['title', 'version'].filter((key) => typeof root.info[key] !== 'string').map((key) => `info has no ${key}`),
    ...dangling.map((reference) => `${reference} is not there`),
    ...components.filter((component) => !references.includes(component)).map((component) => `${component} is not used`),
  ]
}

function operationProblems(
  root: Root,
  { name, at, item, operation }: { name: string; at: string; item: Readonly<Record<string, unknown>>; operation: Operation },
): string[] {
  const parameters = [...((item['parameters'] ?? []) as readonly unknown[]), ...(operation.parameters ?? [])].map(
    (parameter) => resolved(root, parameter) as { name: string; in: string; required?: boolean; schema?: unknown },
  )
  const inPath = [...at.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter)
  const declared = parameters.filter((parameter) => parameter.in === 'path' && parameter.required === true)
  const schemes = (operation.security ?? []).flatMap((requirement) => Object.keys(requirement))
  const replies = Object.entries(operation.responses ?? {}).map(
    ([status, reply]) => [status, resolved(root, reply) as Reply] as const,
  )
  return [
    ...(operation.operationId === undefined || operation.summary === undefined ? ['has no operationId or no summary'] : []),
    ...(String(declared.map((parameter) => parameter.name)) === String(inPath)
      ? []
      : ['declares other parameters than its path has']),
    ...(parameters.every(({ in: place, schema }) => ['path', 'query', 'header'].includes(place) && schema !== undefined)
      ? []
      : ['has a parameter without place or schema']),
    ...schemes
      .filter((scheme) => root.components['securitySchemes']?.[scheme] === undefined)
      .map((scheme) => `${scheme} is no scheme`),
    ...(replies.length > 0 ? [] : ['has no answers']),
    ...replies
      .filter(([status, { description }]) => !/^[1-5]\d\d$/.test(status) || description === undefined)
      .map(([status]) => `has an answer ${status} without description`),
  ].map((problem) => `${name} ${problem}`)
}

/** Follows a reference into the document. */
function resolved(root: Root, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$ref' in value)) return value
  return String(value.$ref)
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[key], root)
}
