import { readFileSync } from 'node:fs'
import { presetFile } from './presets.ts'

/**
 * The sentences of a preset's comments that speak of something. Comments behind a key are left out: they belong to it.
 * @param name one of `presetNames()`
 */
export function presetSentences(name: string, about: RegExp): string[] {
  const lines = readFileSync(presetFile(name), 'utf8').split('\n')
  const paragraphs = lines
    .map((line) => /^\s*#\s*(.+)$/.exec(line)?.[1] ?? '\n')
    .join(' ')
    .split('\n')
  return paragraphs.flatMap((paragraph) => paragraph.trim().split(/(?<=\.|\.\)) /)).filter((sentence) => about.test(sentence))
}
