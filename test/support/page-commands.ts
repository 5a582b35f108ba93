import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { projectRoot } from './cli-process.ts'
import { scratch } from './cli-scratch.ts'
import type { Block } from './pages.ts'
import { freePort } from './redis-server.ts'

/** A command of a page, and what became of it. */
export interface RanCommand {
  readonly line: number
  readonly command: string
  /** What the page shows below it; undefined where it shows nothing. */
  readonly shown: string | undefined
  /** The exit code that the comment above the block says; 0 without one. It holds for the last command of the block. */
  readonly expectedCode: number
  readonly code: number
  /** Standard output and error, with the ports of the page. */
  readonly output: string
}

interface Step {
  readonly line: number
  readonly command: string
  readonly shown: string | undefined
  readonly expectedCode: number
  /** A file to be written before it, and its text. */
  readonly files: readonly (readonly [string, string])[]
}

const nodeFolder = join(projectRoot, 'node_modules/.bin')

/** What is started in the background has to answer before the next command. */
const waitFor = `answers() {
  for _ in $(seq 100); do curl -s -o /dev/null "$1" && return; sleep 0.2; done
}`

/** The ports that pages speak of. */
const shownPorts = [8080, 9090, 9400, 9180]

/**
 * Runs the commands of a page one after the other, as a person would: in one shell, in an empty folder, with the files that the page has saved
 * before (`<!-- file: NAME -->` above a block). Ports are free ones in place of those of the page.
 * @param files what is in the folder to begin with
 */
export async function runCommands(blocks: readonly Block[], files: Readonly<Record<string, string>> = {}): Promise<RanCommand[]> {
  const ports = new Map<number, number>()
  for (const port of shownPorts) ports.set(port, await freePort())
  const there = (text: string): string => text.replaceAll(/\b\d{4}\b/g, (digits) => String(ports.get(Number(digits)) ?? digits))
  const back = (text: string): string =>
    [...ports].reduce((shown, [port, used]) => shown.replaceAll(new RegExp(`\\b${used}\\b`, 'g'), String(port)), text)

  const { folder } = scratch()
  const home = join(folder, 'home')
  const programs = join(folder, 'programs')
  mkdirSync(home)
  mkdirSync(programs)
  // Where a page begins in a checkout, it finds these.
  for (const name of ['bin', 'node_modules']) symlinkSync(join(projectRoot, name), join(home, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), there(text))
  writeFileSync(join(programs, 'bearerd'), shim(there), { mode: 0o755 })
  writeFileSync(join(programs, 'npm'), npmShim, { mode: 0o755 })
  const steps = stepsOf(blocks)
  const script = [waitFor, ...steps.flatMap((step, index) => linesOf(step, index, folder, there))].join('\n')
  writeFileSync(join(folder, 'script'), script)
  await runScript(join(folder, 'script'), home, {
    PATH: [programs, nodeFolder, process.env['PATH']].join(':'),
    HOME: home,
    TMPDIR: home,
  })
  return steps.map(({ line, command, shown, expectedCode }, index) => {
    const read = (name: string): string =>
      existsSync(join(folder, `${name}-${index}`)) ? readFileSync(join(folder, `${name}-${index}`), 'utf8') : ''
    return { line, command, shown, expectedCode, code: Number(read('code') || Number.NaN), output: back(read('output')) }
  })
}

/** A pattern for what a page shows: `...` is anything, and so are times, moments and fingerprints. */
export function shownPattern(shown: string): RegExp {
  const pattern = shown
    .trimEnd()
    .replaceAll(/[\\^$*+?()[\]{}|]|\.(?!\.\.)(?<!\.\.)/g, '\\$&')
    .replaceAll(/^\.\.\.$\n?/gm, '(?:.*\n)*?')
    .replaceAll('...', '.*')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:\\.]+Z/g, '\\S+Z')
    .replaceAll(/\b\d+ (ms|s)\b/g, '\\d+ $1')
    .replaceAll(/\b[0-9a-f]{12}\b/g, '[0-9a-f]{12}')
  return new RegExp(`^${pattern}\\s*$`)
}

/** In a block of the kind `console` commands stand behind `$ ` and their output below; one of the kind `sh` is a command as a whole. */
function stepsOf(blocks: readonly Block[]): Step[] {
  const steps: Step[] = []
  let files: (readonly [string, string])[] = []
  for (const { kind, text, line, comment } of blocks) {
    const [, file] = /^file: (\S+)$/.exec(comment) ?? []
    if (file !== undefined) files.push([file, text])
    else if (kind === 'sh' || kind === 'console') {
      const code = Number(/^exit: (\d+)$/.exec(comment)?.[1] ?? 0)
      const parts = kind === 'sh' ? [text] : text.split(/^\$ /m).slice(1)
      for (const [index, part] of parts.entries()) {
        const [, command = part, output = ''] = kind === 'sh' ? [] : (/^((?:[^\n]*\\\n)*[^\n]*)\n([^]*)$/.exec(part) ?? [])
        const shown = output.trim() === '' ? undefined : output
        steps.push({ line, command: command.trim(), shown, expectedCode: index === parts.length - 1 ? code : 0, files })
        files = []
      }
    }
  }
  return steps
}

/** In a checkout `npm run bearerd -- ARGS` stands for `bearerd ARGS`; here nobody is in the folder of the checkout. */
const npmShim = `#!/bin/bash
[ "$1 $2 $3" = "run bearerd --" ] || exit 64
shift 3
exec bearerd "$@"
`

/** `bearerd` is that of the checkout; the simulator is not where it would be by default. */
function shim(there: (text: string) => string): string {
  return `#!/bin/bash
command=$1
[ "$command" = simulate ] && set -- "$@" --port ${there('9400')}
exec '${projectRoot}/node_modules/.bin/node' '${projectRoot}/bin/bearerd.js' "$@"
`
}

function linesOf({ command, files }: Step, index: number, folder: string, there: (text: string) => string): string[] {
  for (const [name, text] of files) writeFileSync(join(folder, `file-${index}-${name}`), there(text))
  writeFileSync(join(folder, `command-${index}`), `${there(command)}\n`)
  const [, started] = /^bearerd (simulate|serve)\b.*&$/.exec(command) ?? []
  return [
    ...files.map(([name]) => `cp '${folder}/file-${index}-${name}' '${name}'`),
    // A block of several commands has failed when one of them has.
    `failed=0; trap 'failed=$?' ERR`,
    `. '${folder}/command-${index}' > '${folder}/output-${index}' 2>&1`,
    `code=$?; trap - ERR; [ $code != 0 ] || code=$failed; echo $code > '${folder}/code-${index}'`,
    ...(started === undefined
      ? []
      : [`answers ${there(started === 'serve' ? 'http://127.0.0.1:9090/livez' : 'http://127.0.0.1:9400/_control')}`]),
  ]
}

async function runScript(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  // A group of its own: what the page left running in the background ends with it.
  const child = spawn('bash', [script], { cwd, env, stdio: 'ignore', detached: true })
  const ended = new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject))
  onTestFinished(() => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // Everything has ended by itself.
    }
  })
  await ended
}
