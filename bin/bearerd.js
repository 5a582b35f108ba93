#!/usr/bin/env node
// Plain JavaScript that any Node.js can read, so that an old one says what it needs instead of failing on the first type.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { PerformanceObserver } from 'node:perf_hooks'
import process from 'node:process'
import tty from 'node:tty'
import v8 from 'node:v8'

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `bearerd needs Node.js 24 or newer; this is ${process.version}. From a checkout, "npm run bearerd --" brings its own.\n`,
  )
  process.exit(1)
}
// What reloads a running gateway must not end one that is only starting: it has read nothing yet that could be old.
if ([undefined, 'serve'].includes(process.argv[2]) || process.argv[2].startsWith('-')) process.on('SIGHUP', () => {})
// Whoever stops a group of processes stops the workers in it as well, but it is the main process that says when.
if (process.argv[2] === 'worker') for (const signal of ['SIGHUP', 'SIGTERM', 'SIGINT']) process.on(signal, () => {})
// The kernel keeps from process 1, as in a container, every signal that it has no handler for: without one of its own, nobody could end
// a command that waits, or a gateway that is only starting.
if (process.pid === 1) {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ])
    process.on(signal, () => process.listenerCount(signal) === 1 && process.exit(128 + number))
}
// Start-up is part of every rollout: compiled code is kept between runs where the system allows it.
module.enableCompileCache?.()
// A request leaves nothing behind, and V8 must not be led to think otherwise: from the first requests, which wait for a token, it would
// conclude that what a request makes lives long, put it where it is collected last, and so keep alive what that points at. And there is too
// little to save for several threads to share the work.
v8.setFlagsFromString('--no-allocation-site-pretenuring')
v8.setFlagsFromString('--no-parallel-scavenge')
// Loading makes much garbage, for which V8 would make its young generation large and keep it so. Under load it may grow, but not beyond what
// saves processor time: V8's own limit is 128 MiB.
const largestYoungBytes = 16 * 1024 ** 2
v8.setFlagsFromString('--semi-space-growth-factor=1')
const limitYoung = () => {
  const young = v8.getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
  v8.setFlagsFromString(`--semi-space-growth-factor=${young.space_size < largestYoungBytes ? 2 : 1}`)
}
setTimeout(() => new PerformanceObserver(limitYoung).observe({ entryTypes: ['gc'] }), 1_000).unref()

// What does grow old is collected when it has doubled, not when it is four times as much.
v8.setFlagsFromString('--heap-growing-percent=100')

// A checkout runs the sources as they are; an installed package has none.
const sources = new URL('../src/main.ts', import.meta.url)
const { main } = await import(existsSync(sources) ? sources.href : '../dist/lib/main.js')
const writeOut = writer(() => process.stdout)
const writeError = writer(() => process.stderr)
process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  stdout: (line) => writeOut(`${line}\n`),
  stderr: (line) => writeError(`${line}\n`),
  screen: {
    isOutput: tty.isatty(1),
    write: tty.isatty(2) ? writeError : undefined,
    get columns() {
      return (process.stderr.isTTY ? process.stderr.columns : undefined) || 80
    },
  },
})

// When nothing is left to do, the platform cleans up, and waits for ever for a write that TLS has lost when its connection broke off
// (nodejs/node#47748): the process would stay, and turn in circles.
process.once('beforeExit', () => process.exit())

// The streams are opened with the first text: a gateway that logs elsewhere never needs them.
function writer(open) {
  let stream
  return (text) => {
    stream ??= open().on('error', endQuietly)
    stream.write(text)
  }
}

// Whoever reads the output may stop early (`| head -1`): no reason for a stack trace.
function endQuietly(error) {
  if (error.code !== 'EPIPE') throw error
  process.exit()
}
