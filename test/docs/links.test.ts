import { existsSync, globSync, readFileSync } from 'node:fs'
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

describe('pages that are named outside of the documentation', () => {
  const files = globSync(['{src,scripts,page,providers,monitoring,examples,kustomize,charts}/**/*.*', '*.yaml'], {
    cwd: projectRoot,
  })
  const named = files.flatMap((file) =>
    [...readFileSync(join(projectRoot, file), 'utf8').matchAll(/\bdocs\/([\w/-]+\.md)(?:#([\w-]+))?/g)].map(
      ([text, path = '', anchor]) => ({ file, text, path: `docs/${path}`, anchor }),
    ),
  )

  it('are there, with their headings', () => {
    expect(named.length).toBeGreaterThan(30)
    const broken = named.filter(({ path, anchor }) => {
      const page = byPath.get(path)
      return page === undefined || (anchor !== undefined && !page.anchors.has(anchor))
    })
    expect(broken.map(({ file, text }) => `${file}: ${text}`)).toEqual([])
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
