import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot, run } from '../support/cli-process.ts'
import { initPlace, runInit } from '../support/init-run.ts'

const page = readFileSync(join(projectRoot, 'docs/getting-started.md'), 'utf8')

/** What stands in the first block of a kind. */
function block(kind: string): string {
  return new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``).exec(page)?.[1] ?? ''
}

describe('docs/getting-started.md', () => {
  it('shows what init says', async () => {
    const { folder } = initPlace()
    const [command = '', ...lines] = block('console').trimEnd().split('\n')
    expect(command).toBe('$ bearerd init gett uber')
    const { code, stdout, stderr } = await run(['init', 'gett', 'uber'], { cwd: folder })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toEqual(lines)
  })

  it('shows what becomes of its call', async () => {
    const values = { stdout: true, 'from-curl': '-', upstream: 'https://api.crm.example' }
    const { stdout } = await runInit({ values, input: block('sh') })
    expect(block('yaml').trimEnd()).toBe(stdout.slice(stdout.indexOf('credentials:')).trimEnd())
    expect(page).toContain('bearerd init --from-curl - --upstream https://api.crm.example < call.txt')
  })
})
