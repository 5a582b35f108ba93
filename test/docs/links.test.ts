import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../support/cli-process.ts'
import { pageOf, readPages } from '../support/pages.ts'

const pages = readPages()
const byPath = new Map(pages.map((page) => [page.path, page]))

describe('links between pages', () => {
  it.each(pages.filter(({ links }) => links.length > 0))(
    '$path leads to files and headings that there are',
    ({ path, links }) => {
      const broken = links.filter(({ path: target, anchor }) => {
        if (anchor !== undefined && byPath.get(target)?.anchors.has(anchor) !== true) return true
        return !existsSync(join(projectRoot, target))
      })
      expect(broken.map((link) => `${path}:${link.line}: ${link.path}#${link.anchor ?? ''}`)).toEqual([])
    },
  )

  it('are found, whatever stands around them', () => {
    const { links, anchors } = pageOf(
      'docs/a.md',
      '# A `b` c\n\n# A b c\n[x\ny](b.md#z) [q](https://e.example) [r](#a-b-c)\n`[s](t)`\n',
    )
    expect(links).toEqual([
      { line: 5, path: 'docs/b.md', anchor: 'z' },
      { line: 5, path: 'docs/a.md', anchor: 'a-b-c' },
    ])
    expect([...anchors]).toEqual(['a-b-c', 'a-b-c-1'])
  })
})

describe('docs/README.md', () => {
  it('leads to every page of docs', () => {
    const index = byPath.get('docs/README.md')
    const linked = index?.links.map(({ path }) => path) ?? []
    const all = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && path !== index?.path)
    // Decisions are many small pages with a list of their own.
    const wanted = all.filter((path) => !path.startsWith('docs/decisions/'))
    expect(wanted.filter((path) => !linked.includes(path))).toEqual([])
    expect(linked).toContain('docs/decisions/')
  })
})
