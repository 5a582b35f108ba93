import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { commandsFile, commandsPage } from '../../scripts/command-reference.ts'

it('docs/command-line.md is what the commands say of themselves (else: npm run docs)', async () => {
  expect(readFileSync(commandsFile, 'utf8')).toBe(await commandsPage())
})
