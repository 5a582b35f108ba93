import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { projectRoot, run } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { readPage } from '../support/pages.ts'

it('docs/simulator.md has a program that runs, seen from a folder beside src', async () => {
  const [program] = readPage('docs/simulator.md').blocks.filter(({ kind }) => kind === 'ts')
  const text = (program?.text ?? '').replace("'../src/", `'${pathToFileURL(join(projectRoot, 'src')).href}/`)
  const file = scratch().write('program.ts', text)
  const node = join(projectRoot, 'node_modules/.bin/node')
  expect(await run([file], { command: [node] })).toEqual({ code: 0, signal: null, stdout: '0 0\n', stderr: '' })
})
