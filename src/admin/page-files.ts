import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file that the browser loads beside the page. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
}

const folder = join(import.meta.dirname, '../../page')

const types: Readonly<Record<string, string>> = {
  'page.js': 'text/javascript',
  'actions.js': 'text/javascript',
  'filter.js': 'text/javascript',
  'live.js': 'text/javascript',
  'morph.js': 'text/javascript',
  'page.css': 'text/css',
  'icon.svg': 'image/svg+xml',
}

/** Reads the files of the page, by name. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  return new Map(Object.entries(types).map(([name, type]) => [name, { type, body: readFileSync(join(folder, name)) }]))
}
