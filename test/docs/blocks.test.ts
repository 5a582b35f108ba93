import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../support/cli-process.ts'
import { coverageOf, elsewhere, isAbout } from '../support/page-coverage.ts'
import { readPages } from '../support/pages.ts'

const pages = readPages()
const blocks = pages.flatMap((page) => page.blocks.map((block) => ({ page, block, at: `${page.path}:${block.line}` })))

describe('what stands between fences in the documentation', () => {
  it('is run or loaded by a test, or listed with the reason why not', () => {
    expect(blocks.length).toBeGreaterThan(100)
    expect(blocks.filter(({ page, block }) => coverageOf(page, block) === undefined).map(({ at }) => at)).toEqual([])
  })

  it('is not called a text when it is a command', () => {
    const command = /^(\$ |npm |npx |bearerd [a-z]+( -|$)|curl |docker |kubectl |helm |systemctl |export )/m
    // What the help of a command says stands there as the command prints it.
    const others = blocks.filter(({ page }) => page.path !== 'docs/command-line.md')
    const texts = others.filter(({ page, block }) => coverageOf(page, block)?.kind === 'text' && command.test(block.text))
    expect(texts.map(({ at }) => at)).toEqual([])
  })

  it('is fenced: nothing is a command by its indentation alone', () => {
    const indented = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\n\n {4}(?:\$ |[A-Z_]+=|npm |npx |bearerd |curl |docker |kubectl )[^\n]*/g)].map(
        ([found]) => `${path}: ${found.trim()}`,
      ),
    )
    expect(indented).toEqual([])
  })

  it.each(elsewhere.map((row) => [`${row.page} ${row.kinds.join(', ')} ${String(row.start ?? '')}`, row] as const))(
    'has what the table of exceptions names, and a test where it says so: %s',
    (_name, row) => {
      expect(blocks.some(({ page, block }) => isAbout(row, page, block))).toBe(true)
      const named = row.kind === 'tested' ? [row.by] : [...row.because.matchAll(/test\/\S+\.test\.ts/g)].map(([file]) => file)
      for (const file of named) expect(existsSync(join(projectRoot, file)), file).toBe(true)
    },
  )
})
