import { readFileSync } from 'node:fs'
import { writeNewFile } from './write-new-file.ts'

/**
 * Puts the schema beside a configuration, to which its first line refers, so that editors find it without a network. One that is there
 * already may be somebody's own: it stays.
 * @param say prints a line
 */
export function writeSchemaBeside(path: string, schema: string, say: (line: string) => void): void {
  const there = contentOf(path)
  if (there === schema) return
  if (there !== undefined) say(`${path} is there already and differs: bearerd schema prints that of this version`)
  else {
    writeNewFile(path, schema, false)
    say(`wrote ${path}, with which editors complete and explain its keys`)
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
