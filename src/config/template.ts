import { inspect } from 'node:util'
import { FilledText } from './interpolation.ts'
import type { Piece } from './interpolation.ts'

/** What a placeholder stands for, looked up while rendering; undefined when there is no such value. */
export type TemplateValues = (placeholder: string) => string | undefined

/**
 * A configured text with placeholders: `Bearer {access_token}`, `{variables_name}`, `{token.instance_url}`. `{{` stands
 * for a brace. What variables filled in is literal, braces and all; it may be a secret (`x-api-key: ${KEY}`), so like a secret a
 * template does not print.
 */
export class Template {
  readonly #parts: readonly (string | Placeholder)[]
  /** The placeholders it names, in order, for checks when the configuration is loaded. */
  readonly placeholders: readonly string[]

  /**
   * @param source the text as configured
   * @throws TemplateSyntaxError when a brace is neither part of a placeholder nor doubled
   */
  constructor(source: string | FilledText) {
    const pieces = source instanceof FilledText ? source.pieces : [{ text: source, isFilled: false }]
    this.#parts = pieces.flatMap(parse)
    this.placeholders = this.#parts.filter((part) => typeof part !== 'string').map((part) => part.name)
  }

  /**
   * Fills in the placeholders.
   * @throws MissingTemplateValueError when a value does not exist (a field that the token response did not have)
   */
  render(values: TemplateValues): string {
    return this.#parts.map((part) => (typeof part === 'string' ? part : valueOf(part.name, values))).join('')
  }

  /** Its texts and placeholders, for telling two templates apart. May hold a secret: never log it. */
  reveal(): readonly (string | { readonly name: string })[] {
    return this.#parts
  }

  toString(): string {
    return '[template]'
  }

  toJSON(): string {
    return '[template]'
  }

  [inspect.custom](): string {
    return '[template]'
  }
}

/** A template that cannot be read. Mapped to a configuration problem. */
export class TemplateSyntaxError extends Error {
  override name = 'TemplateSyntaxError' as const
}

/** A placeholder without a value at the time of rendering. `placeholder` is a configured name, safe to show. */
export class MissingTemplateValueError extends Error {
  override name = 'MissingTemplateValueError' as const
  readonly placeholder: string

  constructor(placeholder: string) {
    super(`there is no value for {${placeholder}}`)
    this.placeholder = placeholder
  }
}

interface Placeholder {
  readonly name: string
}

function parse({ text: source, isFilled }: Piece): (string | Placeholder)[] {
  if (isFilled) return [source]
  const parts: (string | Placeholder)[] = []
  const token = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}|[{}]|[^{}]+/g
  for (const [text, name] of source.matchAll(token)) {
    if (name !== undefined) parts.push({ name })
    else if (text === '{{' || text === '}}') parts.push(text.charAt(0))
    else if (text === '{' || text === '}')
      throw new TemplateSyntaxError(`a single brace "${text}" that belongs to no {placeholder}`)
    else parts.push(text)
  }
  return parts
}

function valueOf(placeholder: string, values: TemplateValues): string {
  const value = values(placeholder)
  if (value === undefined) throw new MissingTemplateValueError(placeholder)
  return value
}
