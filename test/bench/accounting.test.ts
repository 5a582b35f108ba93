import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { accountOf } from '../../bench/machine/accounting.ts'

/** Uses a processor core for so long, then says so and waits. */
const burn = `const end = process.cpuUsage().user + 200_000
while (process.cpuUsage().user < end);
console.log('done')
setInterval(() => {}, 1e9)`

/** A process that has a child do this. */
const parent = `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(burn)}])
child.stdout.pipe(process.stdout)
process.on('SIGTERM', () => { child.kill(); process.exit() })`

async function accountAfter(program: string): Promise<ReturnType<typeof accountOf>> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  await once(child.stdout, 'data')
  return accountOf(child.pid ?? 0)
}

describe.skipIf(process.platform !== 'linux')("the kernel's account of a process", { timeout: 60_000 }, () => {
  it('has its processor time and memory, and those of its children', async () => {
    const [alone, withChild] = await Promise.all([accountAfter(burn), accountAfter(parent)])
    for (const { cpuSeconds, residentMiB } of [alone, withChild]) {
      // The kernel counts in hundredths of a second.
      expect(cpuSeconds).toBeGreaterThan(0.18)
      expect(cpuSeconds).toBeLessThan(5)
      expect(residentMiB).toBeGreaterThan(10)
      expect(residentMiB).toBeLessThan(500)
    }
    expect(withChild.residentMiB).toBeGreaterThan(1.4 * alone.residentMiB)
  })

  it('is empty for one that is not there', () => {
    expect(accountOf(2 ** 30)).toEqual({ cpuSeconds: 0, residentMiB: 0 })
  })
})
