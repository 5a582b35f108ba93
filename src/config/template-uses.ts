import type { CredentialKeys, Known } from './config.ts'
import type { JsonTemplate } from './schema/values.ts'
import { Template } from './template.ts'
import type { Path } from './yaml-document.ts'

/** A placeholder in a template of a credential. */
export interface PlaceholderUse {
  readonly placeholder: string
  /** Of the template, below the credential, when `inject` is a list. */
  readonly at: Path
  /** Of what the template is a part: only a token request can hold the assertion, only an injection the token. */
  readonly part: 'claims' | 'request' | 'injection'
}

/** Every placeholder that a credential uses, as far as it could be read. */
export function placeholdersOf({ token_request, inject = [] }: Known<CredentialKeys>): PlaceholderUse[] {
  const groups = token_request === undefined ? [] : (['headers', 'query', 'params'] as const)
  const inRequest = groups.flatMap((group) =>
    Object.entries<JsonTemplate>(token_request?.[group] ?? {}).flatMap(([name, value]) =>
      templatesIn(value, ['token_request', group, name]),
    ),
  )
  const inClaims = Object.entries<JsonTemplate>(token_request?.assertion?.claims ?? {}).flatMap(([name, value]) =>
    templatesIn(value, ['token_request', 'assertion', 'claims', name]),
  )
  const inInjection = inject.map(({ value }, index): Located => [value, ['inject', index, 'value']])
  return [...usesIn(inRequest, 'request'), ...usesIn(inClaims, 'claims'), ...usesIn(inInjection, 'injection')]
}

function usesIn(templates: readonly Located[], part: PlaceholderUse['part']): PlaceholderUse[] {
  return templates.flatMap(([template, at]) => template.placeholders.map((placeholder) => ({ placeholder, at, part })))
}

type Located = readonly [template: Template, at: Path]

function templatesIn(value: JsonTemplate, at: Path): Located[] {
  if (value instanceof Template) return [[value, at]]
  if (Array.isArray(value)) return value.flatMap((inner: JsonTemplate, index) => templatesIn(inner, [...at, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value as Readonly<Record<string, JsonTemplate>>).flatMap(([key, inner]) =>
    templatesIn(inner, [...at, key]),
  )
}
