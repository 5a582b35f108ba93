#!/usr/bin/env node
// Plain JavaScript that any Node.js can read, so that an old one says what it needs instead of failing on the first type.
import module from 'node:module'
import process from 'node:process'

if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(`bearerd needs Node.js 24 or newer; this is ${process.version}. From a checkout, "npm run bearerd --" brings its own.\n`)
  process.exit(1)
}
// Start-up is part of every rollout: compiled code is kept between runs where the system allows it.
module.enableCompileCache?.()

const { main } = await import('../src/main.ts')
process.exitCode = await main(process.argv.slice(2), {
  env: process.env,
  stdout: (line) => process.stdout.write(`${line}\n`),
  stderr: (line) => process.stderr.write(`${line}\n`),
})
