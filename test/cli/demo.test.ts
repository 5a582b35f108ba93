import { execFile, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { start } from '../support/cli-process.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0

interface Called {
  readonly line: string
  readonly status: number
  readonly output: string
}

describe('bearerd demo', () => {
  it.skipIf(!hasCurl)(
    'keeps the promise of every curl line that it prints, also when its ports are taken',
    { timeout: 60_000 },
    async () => {
      for (const port of [8080, 9090, 9400]) await occupy(port)
      const demo = start(['demo'])
      await demo.untilOutput(/Ctrl-C ends the demo/)
      const text = demo.output().stdout
      const lines = text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line.startsWith('curl '))
      expect(lines.length).toBeGreaterThanOrEqual(12)
      expect(text).not.toMatch(/127\.0\.0\.1:(8080|9090|9400|0)\b/)

      const called: Called[] = []
      for (const line of lines) called.push(await call(line))
      const statuses = called.map(({ line, status }) => `${status} ${line}`)

      // First one call per provider, then the echo: all answered by the simulated providers.
      expect(
        called.slice(0, 6).map(({ status }) => status),
        statuses.join('\n'),
      ).toEqual([200, 200, 200, 200, 200, 200])
      for (const name of ['gett', 'gobiz', 'getbill', 'uber', 'getnet'])
        expect(
          lines.slice(0, 5).some((line) => line.includes(`/${name}/`)),
          name,
        ).toBe(true)
      expect(called[5]?.output).toContain('***')

      // Revoked: the next call succeeds all the same.
      expect(called[6]?.line).toContain('/revoke')
      expect(called.slice(6, 8).map(({ status }) => status)).toEqual([200, 200])

      // The token endpoint fails: the provider's own 401, and the reason in Proxy-Status.
      expect(called.slice(8, 10).map(({ status }) => status)).toEqual([200, 200])
      expect(called[10]?.status).toBe(401)
      expect(called[10]?.output.toLowerCase()).toContain('proxy-status: bearerd')
      expect(called[11]?.status).toBe(200)

      // Mended: it recovers by itself.
      const echo = lines[5] ?? ''
      const deadline = performance.now() + 10_000
      while ((await call(echo)).status !== 200 && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 100))
      expect((await call(echo)).status).toBe(200)

      for (const [, address = ''] of text.matchAll(/^(?:Status page|Metrics|Faults) +(http\S+)$/gm))
        expect((await fetch(address)).status, address).toBe(200)
      expect([...text.matchAll(/^(?:Status page|Metrics|Faults) +http/gm)]).toHaveLength(3)

      demo.signal('SIGINT')
      const end = await demo.finished
      expect(end).toMatchObject({ code: 0, stderr: '' })
      expect(end.stdout).toContain('GET /uber/v1/business/echo -> 200')
      expect(end.stdout).toMatch(/echo -> 200 .*replay accepted/)
      expect(end.stdout).not.toMatch(/-demo-secret/)
    },
  )
})

/** Takes a port, if nobody has it yet, until the test ends. */
async function occupy(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.once('error', () => resolve())
    server.listen(port, '127.0.0.1', resolve)
  })
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
}

/** Runs a line as a person would, in a shell. The status comes on a line of its own behind the output. */
function call(line: string): Promise<Called> {
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', `${line} -sS --max-time 15 -w '\\n%{http_code}'`], (_error, stdout, stderr) => {
      const [, output = '', status = '0'] = /^([^]*)\n(\d+)$/.exec(stdout) ?? []
      resolve({ line, status: Number(status), output: output + stderr })
    })
  })
}
