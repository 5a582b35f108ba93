import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { providersFile, providersPage } from '../../scripts/provider-reference.ts'
import { presetNames } from '../../src/config/presets.ts'

const root = join(import.meta.dirname, '../..')
/** Played by the simulator, in more depth. */
const simulated = ['getbill', 'getnet', 'gett', 'gobiz', 'uber']
const tables = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
const textOf = (name: string): string => readFileSync(join(root, 'providers', `${name}.yaml`), 'utf8')

describe('every preset', () => {
  test('is played once', () => {
    const played = tables.flatMap((text) => [...text.matchAll(/^ {4}provider: '([^']+)',$/gm)].map(([, name]) => name))
    expect(new Set([...played, ...simulated])).toEqual(new Set(presetNames()))
    expect(played.length).toBe(presetNames().length - simulated.length)
    expect(played.length).toBeGreaterThanOrEqual(20)
  })

  test.each(presetNames())('%s says where its facts are from and what is not known', (name) => {
    const text = textOf(name)
    expect(text).toContain('# Each fact is followed by its source: ')
    // A host or a key's value without a source would look as certain as the others.
    for (const line of text.split('\n').filter((candidate) => /^\s*(upstream|token_endpoint): /.test(candidate))) {
      const above = text.slice(0, text.indexOf(line)).split('\n').slice(-3).join(' ')
      expect(`${above} ${line}`).toMatch(/\b(docs|sample|clients|unverified)\b/)
    }
    expect(text.split('\n').filter((line) => line.length > 150)).toEqual([])
  })
})

describe('docs/providers.md', () => {
  test('is what the presets say (else: npm run docs)', () => {
    expect(readFileSync(providersFile, 'utf8')).toBe(providersPage())
  })

  test('has a section for every preset, and leads to it', () => {
    const page = providersPage()
    for (const name of presetNames()) expect(page).toMatch(new RegExp(`\\(#${name}\\)[^]*<a id="${name}"></a>`))
  })
})
