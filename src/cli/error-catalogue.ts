import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { explainedAs } from '../oauth/token-error-codes.ts'

/** What docs/errors.md says of an error. */
export interface ErrorEntry {
  readonly code: string
  /** What it is about: the gateway, the token endpoint, the configuration. */
  readonly part: string
  /** The status of the gateway's answer, where it is one. */
  readonly status: number | undefined
  readonly title: string
  /** Meaning, causes, what to do: Markdown. */
  readonly text: string
}

const file = join(import.meta.dirname, '../../docs/errors.md')

/** Reads the catalogue of errors, in its order. What the page says is what is shipped, printed and tested: there is no other copy. */
export function readCatalogue(): ErrorEntry[] {
  return readFileSync(file, 'utf8')
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [head = '', ...entries] = section.split(/^### /m)
      const part = (head.split('\n')[0] ?? '').replace(/^The /, '')
      return entries.map((entry) => entryOf(part, entry))
    })
}

/**
 * Finds the entry of what somebody has seen.
 * @param seen a code as it stands in a log, a problem's `type`, or a line of `bearerd check`; also a status or a code of the platform
 */
export function findEntry(catalogue: readonly ErrorEntry[], seen: string): ErrorEntry | undefined {
  const code = seen.replace(/^urn:bearerd:error:/, '').replace(/^\[(.*)\]$/, '$1')
  const named = catalogue.find((entry) => entry.code === code)
  const meaning = explainedAs(code)
  return named ?? catalogue.find((entry) => entry.code === meaning)
}

/** @throws Error for an entry without its title: a defect of the page, guarded by a test over all entries */
function entryOf(part: string, entry: string): ErrorEntry {
  const [, code, status, title, text] = /^([a-z_]+)\n\n\*\*(?:(\d{3})\. )?(.+)\.\*\*\n(.*)$/s.exec(entry) ?? []
  if (code === undefined || title === undefined || text === undefined)
    throw new Error(`docs/errors.md: no title below ${entry.split('\n')[0]}`)
  return { code, part, status: status === undefined ? undefined : Number(status), title, text: text.trim() }
}
