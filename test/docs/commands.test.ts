import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { coverageOf, pagesThatRun } from '../support/page-coverage.ts'
import { runCommands, shownPattern } from '../support/page-commands.ts'
import { readPage } from '../support/pages.ts'

const hasTools =
  process.env['CI'] === 'true' || ['bash', 'curl', 'openssl'].every((tool) => spawnSync(tool, ['--help']).error === undefined)

describe.skipIf(!hasTools)(
  'the commands of a page work, in their order, and print what it shows (skipped without bash, curl, openssl)',
  () => {
    it.each(pagesThatRun)('$path', { timeout: 60_000 }, async ({ path, files }) => {
      const page = readPage(path)
      const blocks = page.blocks.filter((block) => block.comment.startsWith('file:') || coverageOf(page, block)?.kind === 'run')
      const ran = await runCommands(blocks, files)
      expect(ran.length).toBeGreaterThan(0)
      for (const { line, command, code, expectedCode, shown, output } of ran) {
        const what = `${path}:${line}: ${command}\n${output}`
        expect(code, what).toBe(expectedCode)
        if (shown !== undefined) expect(output, what).toMatch(shownPattern(shown))
      }
    })
  },
)

describe('what a page shows', () => {
  it.each([
    ['a\n...\nb', 'a\nx\ny\nb\n', true],
    ['a\n...\nb', 'a\nb\n', true],
    ['a\nb', 'a\nc\nb\n', false],
    ['{"a":...}', '{"a":1}', true],
    ['{"a":...}', '{"b":1}', false],
    ['200 in 12 ms', '200 in 7 ms\n', true],
    ['token 0c8b1f3f9d2e', 'token aaaaaaaaaaaa', true],
    ['a.b', 'axb', false],
  ])('%j is %j: %s', (shown, output, isSame) => {
    expect(shownPattern(shown).test(output)).toBe(isSame)
  })
})
