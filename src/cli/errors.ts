import { nearest } from '../config/problem.ts'
import { UsageError } from './command.ts'
import type { Command } from './command.ts'
import { findEntry, readCatalogue } from './error-catalogue.ts'
import type { ErrorEntry } from './error-catalogue.ts'
import { plainText } from './plain-text.ts'

/** Longer lines are hard to read, however wide the terminal. */
const widest = 100

/** `bearerd errors` */
export const errors: Command = {
  name: 'errors',
  usage: 'bearerd errors [CODE] [--json]',
  options: { json: { type: 'boolean', help: 'print the result as JSON' } },
  details:
    'Prints what an error means, what it comes from and what to do about it, or the list of all errors. CODE is what stands in a\n' +
    'log, in the answer of the gateway (its type will do, too), in /status, or in brackets behind a problem of the configuration.\n\n' +
    '  bearerd errors token_refused\n' +
    '  bearerd errors ECONNREFUSED',
  maxPositionals: 1,
  completes: () => [readCatalogue().map(({ code }) => code)],
  run: async ({ values, positionals: [seen], stdout, screen }) => {
    const catalogue = readCatalogue()
    const isJson = values['json'] === true
    if (seen === undefined) {
      if (isJson) stdout(JSON.stringify(catalogue.map(rowOf)))
      else for (const line of listOf(catalogue)) stdout(line)
      return 0
    }
    const entry = findEntry(catalogue, seen)
    if (entry === undefined) throw new UsageError(unknownCode(catalogue, seen))
    if (isJson) stdout(JSON.stringify({ ...rowOf(entry), text: entry.text }))
    else {
      stdout(`${headOf(entry)}\n`)
      const width = screen?.isOutput === true ? Math.min(screen.columns, widest) : widest
      stdout(plainText(entry.text, 'docs/errors.md', width))
    }
    return 0
  },
}

function rowOf({ code, part, status, title }: ErrorEntry): object {
  return { code, part, status: status ?? null, title }
}

function* listOf(catalogue: readonly ErrorEntry[]): Iterable<string> {
  const width = Math.max(...catalogue.map(({ code }) => code.length))
  for (const part of new Set(catalogue.map((entry) => entry.part))) {
    yield part
    for (const { code, title } of catalogue.filter((entry) => entry.part === part)) yield `  ${code.padEnd(width)}  ${title}`
  }
}

function headOf({ code, part, status, title }: ErrorEntry): string {
  return `${code} (${part}${status === undefined ? '' : `, ${status}`}): ${title}`
}

function unknownCode(catalogue: readonly ErrorEntry[], seen: string): string {
  const meant = nearest(
    seen,
    catalogue.map(({ code }) => code),
  )
  const remedy =
    meant === undefined
      ? 'it may be a word of the provider, whose documentation explains it, or of the system'
      : `did you mean "${meant}"?`
  return `there is no error ${JSON.stringify(seen)} here; ${remedy}`
}
