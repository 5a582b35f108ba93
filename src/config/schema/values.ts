import { z } from 'zod'
import { parseDuration, parseSize } from '../quantities.ts'
import { suggest } from '../problem.ts'
import { Secret } from '../secret.ts'
import { Template, TemplateSyntaxError } from '../template.ts'

/**
 * An object that refuses unknown keys, each with the remedy. Messages have the form `problem; remedy`, as all messages of the
 * schema; several unknown keys give several lines, in the order of zod's `keys`.
 */
export function strictObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => `there is no key "${key}" here; ${suggest(key, known)}`).join('\n')
      }
      return `expected a group of keys; known here: ${known.join(', ')}`
    },
  })
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, {
    error: (issue) =>
      `not one of the values known here; ${typeof issue.input === 'string' ? suggest(issue.input, words) : `write one of ${words.join(', ')}`}`,
  })
}

/** Plain text that is not empty. */
export function text(what: string, example: string): z.ZodString {
  const error = `expected ${what}; for example ${example}`
  return z.string({ error }).min(1, { error })
}

/** Milliseconds, written as `30s`. */
export const duration = z
  .string({ error: 'expected a duration; write it with its unit, such as 250ms, 30s, 5m or 1h' })
  .transform((value, context) => {
    const milliseconds = parseDuration(value)
    if (milliseconds === undefined) {
      context.addIssue('not a duration; write it with its unit, such as 250ms, 30s, 5m or 1h')
      return z.NEVER
    }
    return milliseconds
  })

/** Bytes, written as `64KiB` (or `0`). */
export const size = z
  .union([z.string(), z.number()], { error: 'expected a size; write it with its unit, such as 64KiB or 1MiB' })
  .transform((value, context) => {
    const bytes = parseSize(String(value))
    if (bytes === undefined) {
      context.addIssue('not a size; write it with its unit, such as 64KiB or 1MiB')
      return z.NEVER
    }
    return bytes
  })

/** A whole number of at least `minimum`; digits from a variable (`${LIMIT}`) count too. */
export function wholeNumber(minimum: number): z.ZodType<number, number | string> {
  const error = `expected a whole number of at least ${minimum}; write it without unit or quotes`
  return z
    .union([z.number(), z.string().regex(/^\d+$/, { error })], { error })
    .transform(Number)
    .refine((value) => Number.isSafeInteger(value) && value >= minimum, { error })
}

/** `true` or `false`; the words from a variable count too. */
export const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'expected true or false; write one of them' })
  .transform((value) => value === true || value === 'true')

/** Where a secret comes from: `{file: PATH}` or `{env: NAME}`. */
type SecretSource = { file: string } | { env: string }

const secretSources = [z.strictObject({ file: z.string().min(1) }), z.strictObject({ env: z.string().min(1) })] as const

/**
 * A secret as text, from a file, or from the environment.
 * @param env where `{env: NAME}` is looked up
 */
export function secret(env: Readonly<NodeJS.ProcessEnv>): z.ZodType<Secret, string | SecretSource> {
  return z
    .union([z.string().min(1), ...secretSources], {
      error: ({ input }) =>
        input === '' ? 'the secret is empty; is its variable set?' : 'expected a secret; write "${NAME}", {file: PATH} or {env: NAME}',
    })
    .transform((source, context) => toSecret(source, env, context))
}

/**
 * A value of `variables`: as a secret, but it may be empty (Getnet wants fields that are present and may be "").
 * @param env where `{env: NAME}` is looked up
 */
export function variable(env: Readonly<NodeJS.ProcessEnv>): z.ZodType<Secret, string | number | SecretSource> {
  return z
    .union([z.string(), z.number(), ...secretSources], { error: 'expected a text, {file: PATH} or {env: NAME}; quote it' })
    .transform((source, context) => toSecret(typeof source === 'number' ? String(source) : source, env, context))
}

function toSecret(source: string | SecretSource, env: Readonly<NodeJS.ProcessEnv>, context: z.core.$RefinementCtx): Secret {
  if (typeof source === 'string') return Secret.of(source)
  if ('env' in source) {
    const value = env[source.env]
    if (value !== undefined && value !== '') return Secret.of(value)
    context.addIssue(`the environment variable ${source.env} is not set; set it`)
    return z.NEVER
  }
  try {
    return Secret.fromFile(source.file)
  } catch (error) {
    const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unreadable'
    context.addIssue(`the secret file ${source.file} cannot be used (${reason}); check its path, content and permissions`)
    return z.NEVER
  }
}

/** A text with placeholders. */
export const template = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected a text, such as "Bearer {access_token}"; quote it' })
  .transform((source, context) => compile(String(source), context))

/** A value of a JSON body: texts in it are templates. */
export type JsonTemplate = Template | number | boolean | null | readonly JsonTemplate[] | { readonly [key: string]: JsonTemplate }

/** A parameter of a token request. `null` removes a default parameter; lists and groups are for JSON bodies. */
export const jsonTemplate: z.ZodType<JsonTemplate, z.core.util.JSONType> = z.lazy(() =>
  z.union([
    z.string().transform((source, context) => compile(source, context)),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(jsonTemplate),
    z.record(z.string(), jsonTemplate),
  ]),
)

function compile(source: string, context: z.core.$RefinementCtx): Template {
  try {
    return new Template(source)
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error
    context.addIssue(`${error.message}; write {{ or }} for a literal brace`)
    return z.NEVER
  }
}

/** RFC 9110 5.6.2: what a field name is made of. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export const fieldName = z
  .string({ error: 'expected a field name; for example X-Api-Key' })
  .regex(token, { error: 'not a field name (RFC 9110 5.6.2); use letters, digits and hyphens' })

/** RFC 9110 5.5: visible characters, spaces and tabs; a line break would start a new field. */
export const fieldValue = z
  .string({ error: 'expected the value of a field; quote it' })
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'not a field value (RFC 9110 5.5); remove control characters' })

/** RFC 6901, or the field that holds the value: `header:X-Subject-Token`. */
export const pointer = z
  .string({ error: 'expected a JSON Pointer; for example /access_token' })
  .regex(/^(\/([^~]|~[01])*)+$/, { error: 'not a JSON Pointer (RFC 6901); write it as /data/token' })

/** A compiled regular expression; written as text. */
export const pattern = z
  .string({ error: 'expected a regular expression; quote it' })
  .transform((source, context) => {
    try {
      return new RegExp(source)
    } catch {
      context.addIssue('not a regular expression; check its brackets and backslashes')
      return z.NEVER
    }
  })
