import type { Path } from './yaml-document.ts'

const groups: ReadonlySet<unknown> = new Set(['headers', 'query', 'params'])

/**
 * Whether a value at this place of a configuration is a template: there, and only there, a written brace has a meaning, and one
 * that came from a variable must not get it. A test compares this with the schemas.
 */
export function isTemplatePlace([top, , key, group, ...rest]: Path): boolean {
  if (top === 'routes') return key === 'upstream' && group === undefined
  if (top !== 'credentials') return false
  if (key === 'token_request' && group === 'assertion') return rest[0] === 'claims' && rest.length > 1
  return (
    (key === 'token_request' && groups.has(group) && rest.length > 0) || (key === 'inject' && [group, ...rest].at(-1) === 'value')
  )
}
