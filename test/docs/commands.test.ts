import { describe, expect, it } from 'vitest'
import { runCommands, shownPattern } from '../support/page-commands.ts'
import { readPage } from '../support/pages.ts'

describe('the commands of a page work, in their order, and print what it shows', () => {
  it.each(['docs/tutorial.md', 'docs/offline-tests.md'])('%s', { timeout: 60_000 }, async (path) => {
    const { blocks } = readPage(path)
    const ran = await runCommands(blocks.filter(({ text }) => !text.includes('npm ci')))
    expect(ran.length).toBeGreaterThan(0)
    for (const { line, command, code, expectedCode, shown, output } of ran) {
      const what = `${path}:${line}: ${command}\n${output}`
      expect(code, what).toBe(expectedCode)
      if (shown !== undefined) expect(output, what).toMatch(shownPattern(shown))
    }
  })
})
