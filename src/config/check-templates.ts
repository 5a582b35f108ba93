import type { CredentialReading } from './credential-reading.ts'
import { isWritten } from './credential-reading.ts'
import { suggest } from './problem.ts'
import type { Report } from './report.ts'
import { requestFieldOf } from './request-values.ts'
import { placeholdersOf } from './template-uses.ts'
import type { PlaceholderUse } from './template-uses.ts'

/** Checks that there is a value for everything that the templates of a credential name. */
export function checkTemplates(reading: CredentialReading, report: Report): void {
  const { known, isAbsent } = reading
  // Without knowing the variables there is no telling what is missing.
  if (known.variables === undefined) return
  const variables = Object.keys(known.variables)
  const missing = new Set<string>()
  for (const use of placeholdersOf(known)) {
    const { placeholder, part } = use
    // Those are looked up with each request; `checkIdentity` says what is wrong with them.
    if (requestFieldOf(placeholder) !== undefined) continue
    if (placeholder === 'scope' && isAbsent('scope')) missing.add('scope')
    // Without a token endpoint to ask, only a template can need its URL.
    if (placeholder === 'token_endpoint' && isAbsent('token_endpoint') && known.grant_type === 'self_signed')
      missing.add('token_endpoint')
    const names = ['client_id', 'client_secret', 'scope', 'token_endpoint', ...namesIn[part], ...variables]
    if (names.includes(placeholder) || (part === 'injection' && /^token\..+/.test(placeholder))) continue
    if (placeholder === 'assertion') {
      report('wrong_placeholder', placeOf(reading, use), 'an assertion goes onto token requests only; remove {assertion} here')
      continue
    }
    if (isFromPreset(reading, use)) missing.add(`variables.${placeholder}`)
    else
      report(
        'wrong_placeholder',
        placeOf(reading, use),
        `the template names {${placeholder}}, which is nowhere set; ${remedyFor(placeholder, names)}`,
      )
  }
  for (const key of missing)
    report('required_key', key.split('.'), 'this key is required; write it, because a template of this credential names it')
}

/** What only some templates can name. */
const namesIn: Readonly<Record<PlaceholderUse['part'], readonly string[]>> = {
  claims: [],
  request: ['assertion'],
  injection: ['access_token'],
}

function isFromPreset(reading: CredentialReading, { at }: PlaceholderUse): boolean {
  return reading.known.provider !== undefined && !isWritten(reading, ...at.slice(0, at[0] === 'inject' ? 1 : at.length))
}

/** Where a use stands in the file: `inject` may be a list or a single entry. */
export function placeOf(
  reading: CredentialReading,
  { at: [group = '', index = 0, ...inner] }: PlaceholderUse,
): readonly (string | number)[] {
  return group === 'inject' && !isWritten(reading, group, index) ? [group, ...inner] : [group, index, ...inner]
}

function remedyFor(placeholder: string, names: readonly string[]): string {
  if (placeholder.startsWith('request.')) return "write {request.header.NAME} for a field of the caller's request"
  const remedy = suggest(placeholder, names)
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(placeholder) && !remedy.startsWith('did') ? `set variables.${placeholder}` : remedy
}
