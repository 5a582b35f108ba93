import { spawn } from 'node:child_process'

/** What opens an address in a person's browser, by platform. None of them is a shell. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [program: string, ...args: string[]]>>> = {
  darwin: ['open'],
  linux: ['xdg-open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Tries to open an http or https URL in the browser. It may not work, and nobody is told: the person has the address. */
export function openBrowser(url: string): void {
  const [program, ...args] = openers[process.platform] ?? []
  if (program === undefined) return
  spawn(program, [...args, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}
