import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LineWriter } from '../../src/telemetry/line-writer.ts'
import { scratch } from '../support/cli-scratch.ts'

const lossLine = (lost: number): string => `${JSON.stringify({ lost })}\n`
const options = { enoughBytes: 100, mostBytes: 200, longestDelayMs: 20, mostWaitingBytes: 1e6, lossLine }

/** A file, and what is in it. */
function fileToWrite(): { readonly fd: number; readonly text: () => string } {
  const path = scratch().write('lines', '')
  const fd = openSync(path, 'a')
  onTestFinished(() => closeSync(fd))
  return { fd, text: () => readFileSync(path, 'utf8') }
}

const line = (number: number): string => `${JSON.stringify({ number, text: 'äöü'.repeat(number % 60) })}\n`
const lines = (from: number, to: number): string => Array.from({ length: to - from }, (_, at) => line(from + at)).join('')

describe('the writer of lines', () => {
  test('writes all lines in their order, whatever their size', async () => {
    const { fd, text } = fileToWrite()
    const writer = new LineWriter(fd, options)
    for (let number = 0; number < 1_000; number++) {
      writer.write(line(number))
      if (number % 97 === 0) await sleep(1)
    }
    await expect.poll(text).toBe(lines(0, 1_000))
  })

  test('writes few lines when their time has come, and not at once', async () => {
    const { fd, text } = fileToWrite()
    const writer = new LineWriter(fd, options)
    writer.write('{}\n')
    expect(text()).toBe('')
    await expect.poll(text).toBe('{}\n')
  })

  test('writes at the end what is there, once', async () => {
    const { fd, text } = fileToWrite()
    const writer = new LineWriter(fd, options)
    for (let number = 0; number < 5; number++) writer.write(line(number))
    await expect.poll(text).toBe(lines(0, 5))
    writer.write(line(5))
    writer.flushSync()
    writer.flushSync()
    await sleep(2 * options.longestDelayMs)
    expect(text()).toBe(lines(0, 6))
  })

  test.skipIf(!existsSync('/dev/full'))('does without a full disk, also at the end', async () => {
    const fd = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(fd))
    const writer = new LineWriter(fd, options)
    for (let number = 0; number < 50; number++) writer.write(line(number))
    await sleep(2 * options.longestDelayMs)
    writer.write(line(50))
    writer.flushSync()
  })

  test('keeps no more than it may for whoever reads slowly, and says what is lost', async () => {
    const child = runScript(`
      for (let number = 0; number < 100; number++) {
        for (let nth = 0; nth < 1_000; nth++) writer.write(JSON.stringify({ number, nth }) + '\\n')
        await new Promise(setImmediate)
      }
      process.stderr.write('all said')
      process.stdin.resume()`)
    await once(child.stderr, 'data')
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    child.stdin.end()
    await once(child, 'close')
    const told = text
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as { readonly number?: number; readonly nth?: number; readonly lost?: number })
    const lost = told.reduce((sum, { lost: here = 0 }) => sum + here, 0)
    expect(lost).toBeGreaterThan(1_000)
    expect(told.filter(({ number }) => number !== undefined)).toHaveLength(100_000 - lost)
    // Those that are there are in their order, and the loss is told where it was.
    let next = 0
    for (const { number = 0, nth = 0, lost: here } of told) {
      if (here === undefined) expect(number * 1_000 + nth).toBe(next)
      next += here ?? 1
    }
    expect(next).toBe(100_000)
  })

  test('keeps no process from ending when nobody reads a pipe any more', async () => {
    const child = runScript("process.stdin.resume().on('end', () => { writer.write('{}\\n'); process.exit(3) })")
    const ended = once(child, 'exit')
    child.stdout.destroy()
    child.stdin.end()
    expect(await ended).toEqual([3, null])
  })
})

/** A process with a `writer` to its standard output. */
function runScript(text: string): ChildProcessByStdio<Writable, Readable, Readable> {
  const numbers = '{ enoughBytes: 100, mostBytes: 4_096, longestDelayMs: 20, mostWaitingBytes: 100_000'
  const script = `
    import { LineWriter } from ${JSON.stringify(new URL('../../src/telemetry/line-writer.ts', import.meta.url).href)}
    const writer = new LineWriter(1, ${numbers}, lossLine: (lost) => JSON.stringify({ lost }) + '\\n' })
    process.on('exit', () => writer.flushSync())
    ${text}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}
