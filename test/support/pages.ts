import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { projectRoot } from './cli-process.ts'

/** A page of the documentation. */
export interface Page {
  /** Below the root of the project. */
  readonly path: string
  readonly text: string
  /** What stands between fences. */
  readonly blocks: readonly Block[]
  /** Where the links of it lead that leave the site out. */
  readonly links: readonly Link[]
  /** What may stand behind # in a link to it. */
  readonly anchors: ReadonlySet<string>
}

/** What stands between two fences. */
export interface Block {
  /** The word behind the first fence; empty where there is none. */
  readonly kind: string
  readonly text: string
  /** The line on which the text begins. */
  readonly line: number
  /** What the comment right above the block says, without its marks; empty where there is none. */
  readonly comment: string
}

/** A link to a file of the project. */
export interface Link {
  readonly line: number
  /** Below the root of the project; that of the page itself where only an anchor is named. */
  readonly path: string
  readonly anchor: string | undefined
}

const patterns = ['*.md', 'docs/**/*.md', 'charts/*/README.md', 'examples/**/*.md']

/** Every page that people read, in alphabetical order. */
export function readPages(): readonly Page[] {
  return globSync(patterns, { cwd: projectRoot })
    .sort()
    .map((path) => pageOf(path, readFileSync(join(projectRoot, path), 'utf8')))
}

/** One of them. */
export function readPage(path: string): Page {
  return pageOf(path, readFileSync(join(projectRoot, path), 'utf8'))
}

/** @throws Error when a fence is not closed */
export function pageOf(path: string, text: string): Page {
  const blocks: Block[] = []
  const prose: string[] = []
  const lines = text.split('\n')
  let open: { fence: string; kind: string; at: number; indent: string } | undefined
  for (const [index, line] of lines.entries()) {
    const [, indent = '', fence = '', kind = ''] = /^( *)(`{3,})(.*)$/.exec(line) ?? []
    if (open === undefined && fence !== '') open = { fence, kind: kind.trim(), at: index, indent }
    else if (open !== undefined && fence === open.fence && kind === '') {
      const [, comment = ''] = /^ *<!-- ([^]*) -->$/.exec(lines[open.at - 1] ?? '') ?? []
      const start = open.indent.length
      const text = lines.slice(open.at + 1, index).map((inner) => `${inner.slice(start)}\n`)
      blocks.push({ kind: open.kind, text: text.join(''), line: open.at + 2, comment })
      open = undefined
    }
    prose.push(open === undefined && fence === '' ? line : '')
  }
  if (open !== undefined) throw new Error(`${path}:${open.at + 1}: the fence is not closed`)
  return { path, text, blocks, links: linksOf(path, prose), anchors: anchorsOf(prose) }
}

/** A link may be broken over two lines, so the lines are looked at as one text. */
function linksOf(path: string, prose: readonly string[]): Link[] {
  const text = prose.join('\n').replaceAll(/`[^`\n]*`/g, (code) => ' '.repeat(code.length))
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => ({ match, target: match[1] ?? '' }))
    .filter(({ target }) => !/^[a-z]+:/.test(target))
    .map(({ match, target }) => {
      const [file = '', anchor] = target.split('#')
      return {
        line: text.slice(0, match.index).split('\n').length,
        path: file === '' ? path : normalize(join(dirname(path), file)),
        anchor,
      }
    })
}

/** As GitHub makes them: of headings, and where `<a id="...">` stands. */
function anchorsOf(prose: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const line of prose) {
    for (const [, id = ''] of line.matchAll(/<a id="([^"]+)">/g)) anchors.add(id)
    const [, heading] = /^#{1,6} (.*)$/.exec(line) ?? []
    if (heading === undefined) continue
    const words = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    let anchor = words
    for (let more = 1; anchors.has(anchor); more++) anchor = `${words}-${more}`
    anchors.add(anchor)
  }
  return anchors
}
