import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openBrowser } from '../../src/cli/open-browser.ts'
import { scratch } from '../support/cli-scratch.ts'

const isLinux = process.platform === 'linux'

function setPath(path: string): void {
  vi.stubEnv('PATH', path)
  onTestFinished(() => void vi.unstubAllEnvs())
}

it.runIf(isLinux)('the browser gets the address as one argument, and no shell reads it', async () => {
  const { folder, path, write } = scratch()
  const opener = write(
    'xdg-open',
    `#!/bin/sh\nprintf '%s|' "$#" "$@" > ${path('opened.part')}\nmv ${path('opened.part')} ${path('opened')}\n`,
  )
  chmodSync(opener, 0o755)
  setPath(`${folder}:/usr/bin:/bin`)
  const url = 'https://a.example/?a=$(touch /tmp/x)&b=`id`;\'c"'
  openBrowser(url)
  await vi.waitFor(() => expect(existsSync(path('opened'))).toBe(true), 5_000)
  expect(readFileSync(path('opened'), 'utf8')).toBe(`1|${url}|`)
})

it.runIf(isLinux)('without anything that opens a browser nothing happens', async () => {
  setPath(scratch().folder)
  openBrowser('https://a.example/')
  await new Promise((resolve) => setImmediate(resolve))
})
