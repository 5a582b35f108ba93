import type { z } from 'zod'

/** What is said where a schema has no words of its own: never the library's, which have no remedy. */
export const plainMessages: z.core.$ZodErrorMap = ({ code, expected }) =>
  (code === 'invalid_type' ? expectations[String(expected)] : undefined) ??
  'this value cannot stand here; compare it with docs/configuration.md'

const group = 'expected a group of keys; write it as {KEY: VALUE}'

const expectations: Readonly<Record<string, string>> = {
  array: 'expected a list; write it as [VALUE, VALUE]',
  boolean: 'expected true or false; write one of them',
  number: 'expected a number; write it without unit or quotes',
  object: group,
  record: group,
  string: 'expected a text; quote it',
}
