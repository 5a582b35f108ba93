import { z } from 'zod'
import { FilledText } from '../interpolation.ts'
import { suggest } from '../problem.ts'
import { longestTimerMs, parseDuration, parseSize } from '../quantities.ts'
import { Secret } from '../secret.ts'
import { Template, TemplateSyntaxError } from '../template.ts'
import { plainMessages } from './messages.ts'
import { asProblem } from './problem-code.ts'

// A configuration is read once: compiling the schemas to code first would cost more time at start than it saves.
z.config({ jitless: true, localeError: plainMessages })

/**
 * An object that refuses unknown keys. The messages of all schemas have the form `problem; remedy`; that of unknown keys is
 * only the list of the known ones, of which `issuesOf` makes a problem for each.
 */
export function strictObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? known.join(', ') : `expected a group of keys; known here: ${known.join(', ')}`,
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

/** Plain text that is not empty. @param example also for editors */
export function text(what: string, example: string): z.ZodString {
  const error = `expected ${what}; for example ${example}`
  return z
    .string({ error })
    .min(1, { error })
    .meta({ shown: [example] })
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
  .meta({ unit: 'duration', shown: ['30s', '5m'] })

/** Milliseconds that something waits for, `shortestMs` at least. */
export function timerDuration(shortestMs: 0 | 1): typeof duration {
  return duration
    .refine((ms) => ms >= shortestMs, { error: 'nothing would ever be in time; write how long it may take, such as 10s' })
    .refine((ms) => ms <= longestTimerMs, { error: 'longer than a timer can be; write 596h at most' })
}

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
  .meta({ unit: 'size', shown: ['64KiB', '1MiB'] })

/** A whole number from `minimum` to `maximum`; digits from a variable (`${LIMIT}`) count too. */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): z.ZodType<number, number | string> {
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`
  const error = `expected a whole number ${range}; write it without unit or quotes`
  return z
    .union([z.number(), z.string().regex(/^\d+$/, { error })], { error })
    .transform(Number)
    .refine((value) => Number.isSafeInteger(value) && value >= minimum && value <= maximum, { error })
}

/** `true` or `false`; the words from a variable count too. */
export const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'expected true or false; write one of them' })
  .transform((value) => value === true || value === 'true')

/** Names that may stand in `Host`; in lower case. */
export const hostNames = z.array(text('a host name', 'bearerd.internal').transform((host) => host.toLowerCase())).default([])

/** Origins of web pages (RFC 6454). */
export const webOrigins = z
  .array(z.string().regex(/^https?:\/\/[^/]+$/, { error: 'not an origin; write it as https://app.example.com' }))
  .default([])

/** Where a secret comes from, when it does not stand in the configuration itself. */
type SecretSource = { readonly file: string } | { readonly env: string }

const secretSource = strictObject({
  file: text('the path of a file', '/run/secrets/gett').optional(),
  env: text('the name of a variable', 'GETT_CLIENT_SECRET').optional(),
}).transform(({ file, env }, context): SecretSource => {
  if (context.issues.length > 0) return z.NEVER
  if (file !== undefined && env === undefined) return { file }
  if (env !== undefined && file === undefined) return { env }
  context.addIssue({
    code: 'custom',
    message: 'a secret comes from one place; write either {file: PATH} or {env: NAME}',
    params: asProblem('conflicting_keys'),
  })
  return z.NEVER
})

/**
 * A secret as text, from a file, or from the environment.
 * @param env where `{env: NAME}` is looked up
 */
export function secret(env: Readonly<NodeJS.ProcessEnv>): z.ZodType<Secret> {
  return z
    .union([z.string().min(1, { error: 'the secret is empty; is its variable set?' }), secretSource], {
      error: 'expected a secret; quote it, or write "${NAME}", {file: PATH} or {env: NAME}',
    })
    .transform((source, context) => toSecret(source, env, context))
    .meta({ shown: ['${GETT_CLIENT_SECRET}', { file: '/run/secrets/gett' }] })
}

/**
 * Certificates or a key, in PEM: a path, the text itself, or as a secret.
 * @param env where `{env: NAME}` is looked up
 */
export function pem(env: Readonly<NodeJS.ProcessEnv>): z.ZodType<Secret> {
  return z
    .union([z.string().min(1, { error: 'the value is empty; is its variable set?' }), secretSource], {
      error: 'expected the path of a PEM file, or PEM text; quote it, or write {file: PATH} or {env: NAME}',
    })
    .transform((source, context) => {
      const isPath = typeof source === 'string' && !source.includes('-----BEGIN')
      return toSecret(isPath ? { file: source } : source, env, context)
    })
    .meta({ shown: ['/run/secrets/tls.pem'] })
}

/**
 * A value of `variables`: as a secret, but it may be empty (Getnet wants fields that are present and may be "").
 * @param env where `{env: NAME}` is looked up
 */
export function variable(env: Readonly<NodeJS.ProcessEnv>): z.ZodType<Secret> {
  return z
    .union([z.string(), z.number(), secretSource], { error: 'expected a text, {file: PATH} or {env: NAME}; quote it' })
    .transform((source, context) => toSecret(typeof source === 'number' ? String(source) : source, env, context))
    .meta({ shown: ['${SHOP_NUMBER}', { file: '/run/secrets/shop' }] })
}

function toSecret(source: string | SecretSource, env: Readonly<NodeJS.ProcessEnv>, context: z.core.$RefinementCtx): Secret {
  // A surplus key does not stop zod; reading the file would only add a second problem.
  if (context.issues.length > 0) return z.NEVER
  if (typeof source === 'string') return Secret.of(source)
  if ('env' in source) {
    const value = Object.hasOwn(env, source.env) ? env[source.env] : undefined
    if (value !== undefined && value !== '') return Secret.of(value)
    // Whoever writes {env: ${KEY}} for {env: KEY} would have the key itself printed.
    const name = /^[A-Z_][A-Z0-9_]*$/.test(source.env) ? `${source.env} ` : ''
    context.addIssue({
      code: 'custom',
      message: `the environment variable ${name}is not set; set it, and write its name here, without $ and braces`,
      params: asProblem('missing_variable'),
    })
    return z.NEVER
  }
  try {
    return Secret.fromFile(source.file)
  } catch (error) {
    context.addIssue({ code: 'custom', message: unusableFile(source.file, error), params: asProblem('unreadable_file') })
    return z.NEVER
  }
}

function unusableFile(file: string, error: unknown): string {
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unreadable'
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist; correct its path, or mount it there',
    ENOTDIR: 'does not exist: a part of its path is not a folder; correct its path',
    EACCES: 'may not be read by the user that runs bearerd; change its owner or its permissions',
    EISDIR: 'is a folder; write the path of the file in it',
  }
  return `the file ${file} ${reasons[code] ?? `cannot be used (${code}); check its path, content and permissions`}`
}

const templateText = z.union([z.string(), z.instanceof(FilledText)])

/** A text with placeholders. */
export const template = z
  .union([templateText, z.number(), z.boolean()], { error: 'expected a text, such as "Bearer {access_token}"; quote it' })
  .transform((source, context) => compile(source instanceof FilledText ? source : String(source), context))
  .meta({ shown: ['Bearer {access_token}', '{client_id}'] })

/** A value of a JSON body: texts in it are templates. */
export type JsonTemplate = Template | number | boolean | null | readonly JsonTemplate[] | { readonly [key: string]: JsonTemplate }

/** A parameter of a token request. `null` removes a default parameter; lists and groups are for JSON bodies. */
export const jsonTemplate: z.ZodType<JsonTemplate> = z.lazy(() =>
  z.union([
    templateText.transform(compile),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(jsonTemplate),
    z.record(z.string(), jsonTemplate),
  ]),
)

function compile(source: string | FilledText, context: z.core.$RefinementCtx): Template {
  try {
    return new Template(source)
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error
    context.addIssue({
      code: 'custom',
      message: `${error.message}; write {{ or }} for a literal brace`,
      params: asProblem('wrong_placeholder'),
    })
    return z.NEVER
  }
}

/** RFC 9110 5.6.2: what a field name is made of. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export const fieldName = z
  .string({ error: 'expected a field name; for example X-Api-Key' })
  .regex(token, { error: 'not a field name (RFC 9110 5.6.2); use letters, digits and hyphens' })
  .meta({ shown: ['X-Api-Key'] })

/**
 * RFC 9110 5.5: visible characters, spaces and tabs; a line break would start a new field. A secret, because it often is an API
 * key.
 */
export const fieldValue = z
  .string({ error: 'expected the value of a field; quote it' })
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: 'not a field value (RFC 9110 5.5); remove control characters' })
  .transform((value) => Secret.of(value))

/** The value of a query parameter; as that of a field it is often an API key. */
export const queryValue = z
  .string({ error: 'expected the value of a parameter; quote it' })
  .transform((value) => Secret.of(value))

/** RFC 6901, or the field that holds the value: `header:X-Subject-Token`. */
export const pointer = z
  .string({ error: 'expected a JSON Pointer; for example /access_token' })
  .regex(/^(\/([^~]|~[01])*)+$/, { error: 'not a JSON Pointer (RFC 6901); write it as /data/token' })
  .meta({ shown: ['/data/token'] })

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
  .meta({ shown: ['token has expired'] })
