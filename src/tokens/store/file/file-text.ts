/** An entry as it stands in the file. */
export interface SealedEntry {
  readonly sealed: string
  /** When it may be cleared away, in milliseconds since the epoch. What an entry is worth is sealed inside. */
  readonly expiresAtEpochMs: number
}

/** Entries by name. */
export type SealedEntries = ReadonlyMap<string, SealedEntry>

const version = 1

/** The file's text: JSON, a line for each entry. */
export function fileText(entries: SealedEntries): string {
  const lines = [...entries].map(
    ([name, { sealed, expiresAtEpochMs }]) =>
      `${JSON.stringify(name)}: ${JSON.stringify({ sealed, expires_at: Math.round(expiresAtEpochMs) })}`,
  )
  return `{"version": ${version}, "entries": {\n${lines.join(',\n')}\n}}\n`
}

/**
 * Reads the file's text. An empty file holds nothing; what does not look like an entry is left out.
 * @returns undefined when the whole is not such a file
 */
export function parseFileText(text: string): SealedEntries | undefined {
  if (text.trim() === '') return new Map()
  const file = recordOf(parse(text))
  const entries = recordOf(file?.['entries'])
  if (file?.['version'] !== version || entries === undefined) return undefined
  const read = new Map<string, SealedEntry>()
  for (const [name, value] of Object.entries(entries)) {
    const { sealed, expires_at: expiresAtEpochMs } = recordOf(value) ?? {}
    if (typeof sealed === 'string' && typeof expiresAtEpochMs === 'number') read.set(name, { sealed, expiresAtEpochMs })
  }
  return read
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
}
