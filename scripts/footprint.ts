/**
 * Prints what a sidecar costs before it has done anything: the time from the start of the process to its first proxied answer,
 * token request included, and its memory when idle. `npm run footprint`; five starts, so that one slow moment of the machine
 * does not count.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demoConfig } from '../src/cli/demo-config.ts'
import { startSimulator } from '../src/simulator/simulator.ts'

const starts = 5
const idleMs = 3_000

const simulator = await startSimulator({})
const folder = mkdtempSync(join(tmpdir(), 'bearerd-footprint-'))
const configFile = join(folder, 'proxy.config.yaml')
const startUpMs: number[] = []
const memoryMiB: number[] = []

for (let run = 0; run < starts; run++) {
  const gateway = await freePort()
  writeFileSync(configFile, demoConfig({ gateway, admin: await freePort(), simulatorUrl: simulator.url }))
  const startedMs = performance.now()
  const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/bearerd.js'), 'serve', '--config', configFile], {
    stdio: 'ignore',
  })
  await firstAnswer(`http://127.0.0.1:${gateway}/uber/v1/business/echo`)
  startUpMs.push(performance.now() - startedMs)
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  memoryMiB.push(Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024)
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
}

rmSync(folder, { recursive: true })
await simulator.close()
console.log(`Node.js ${process.version}, ${starts} starts`)
console.log(`start-up to the first proxied answer: median ${median(startUpMs)} ms (${startUpMs.map(Math.round).join(', ')})`)
console.log(
  `idle memory (VmRSS, ${idleMs / 1000} s after it): median ${median(memoryMiB)} MiB (${memoryMiB.map(Math.round).join(', ')})`,
)

/** Asks every 2 ms until the gateway answers 200. */
async function firstAnswer(url: string): Promise<void> {
  for (;;) {
    const status = await new Promise<number | undefined>((resolve) => {
      get(url, (response) => resolve(response.resume().statusCode)).on('error', () => resolve(undefined))
    })
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
}
