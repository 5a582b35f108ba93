import type { Credential, Known } from './config.ts'
import type { JsonTemplate } from './schema/values.ts'
import { Template } from './template.ts'
import type { Path } from './yaml-document.ts'

/** A placeholder in a template of a credential. */
export interface PlaceholderUse {
  readonly placeholder: string
  /** Of the template, below the credential, when `inject` is a list. */
  readonly at: Path
  /** Whether it is filled in once there is a token. */
  readonly isInjection: boolean
}

/** Every placeholder that a credential uses, as far as it could be read. */
export function placeholdersOf({ token_request, inject = [] }: Known<Credential>): PlaceholderUse[] {
  const groups = token_request === undefined ? [] : (['headers', 'query', 'params'] as const)
  const inRequest = groups.flatMap((group) =>
    Object.entries<JsonTemplate>(token_request?.[group] ?? {}).flatMap(([name, value]) => templatesIn(value, ['token_request', group, name])),
  )
  const inInjection = inject.map(({ value }, index): Located => [value, ['inject', index, 'value']])
  return [
    ...inRequest.flatMap(([template, at]) => template.placeholders.map((placeholder) => ({ placeholder, at, isInjection: false }))),
    ...inInjection.flatMap(([template, at]) => template.placeholders.map((placeholder) => ({ placeholder, at, isInjection: true }))),
  ]
}

type Located = readonly [template: Template, at: Path]

function templatesIn(value: JsonTemplate, at: Path): Located[] {
  if (value instanceof Template) return [[value, at]]
  if (Array.isArray(value)) return value.flatMap((inner: JsonTemplate, index) => templatesIn(inner, [...at, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value as Readonly<Record<string, JsonTemplate>>).flatMap(([key, inner]) => templatesIn(inner, [...at, key]))
}
