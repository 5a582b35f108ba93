import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectionsTo } from './connections-to.ts'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { answerOrMisbehave, callOrLeave } from './http2-load.ts'
import type { Http2Outcome } from './http2-load.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { secretMark, tokenEndpoint } from './token-endpoint.ts'
import { became, inParallel, quantile } from './wait.ts'

const callers = 60
const limitMs = 5_000
const samples = 40
const memorySlackMiB = 24
/** Connections without requests are closed after 30 seconds. */
const allClosedMs = 45_000

/** HTTP/2 to an upstream that resets streams and ends its connections, for callers that hang up and cut their uploads. */
export const http2MixedRun: Scenario = {
  name: 'http2-mixed-run',
  run: async ({ count, defer, random, say }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const certificate = selfSigned()
    const open = new Set<Socket>()
    let streams = 0
    let connections = 0
    const api = createSecureServer(certificate)
    api.on('connection', (socket: Socket) => {
      connections++
      open.add(socket)
      socket.on('close', () => open.delete(socket))
    })
    api.on('session', (session) => session.on('error', () => {}))
    api.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      if (tokens.isLive(headers.authorization))
        answerOrMisbehave(stream, String(headers[':path']), random.fork(`stream ${streams++}`))
      else stream.respond({ ':status': 401 }, { endStream: true })
    })
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
    defer(() => {
      for (const socket of open) socket.destroy()
      api.close()
    })
    const gateway = await startGatewayProcess(
      configOf(tokens.url, [
        {
          path: '/api',
          upstream: `https://localhost:${(api.address() as AddressInfo).port}`,
          http2: true,
          tls: { ca: certificate.cert },
          timeouts: { connect: `${limitMs}ms`, response: `${limitMs}ms`, idle: `${limitMs}ms` },
        },
      ]),
    )
    defer(() => gateway.stop())

    const requests = count(30_000, { quick: 6_000, full: 300_000 })
    const outcomes = new Map<Http2Outcome, number>()
    const memory: number[] = []
    await inParallel(requests, callers, async (nth) => {
      if (nth % Math.ceil(requests / samples) === 0) memory.push(gateway.memoryMiB())
      if (nth % Math.ceil(requests / 4) === 0)
        say(`${nth} of ${requests}: ${memory.at(-1)?.toFixed(0)} MiB, ${open.size} connections`)
      if (nth % 2_000 === 1_999) tokens.revokeAll()
      const outcome = await callOrLeave(gateway.port, nth, random.fork(`call ${nth}`), 3 * limitMs)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    })
    for (const outcome of [504, 'hung', 'wrong'] as const)
      problems.expect(!outcomes.has(outcome), `${outcomes.get(outcome)} requests came to ${outcome}`)
    problems.expect((outcomes.get(200) ?? 0) > requests / 4, `only ${outcomes.get(200)} good answers`)
    const { port } = api.address() as AddressInfo
    problems.expect(await became(() => connectionsTo(port) === 0, allClosedMs), `${connectionsTo(port)} connections are open`)
    const quarter = (nth: number): number => quantile(memory.slice((nth * samples) / 4, ((nth + 1) * samples) / 4), 0.5)
    const grownMiB = quarter(3) - quarter(2)
    problems.expect(grownMiB < memorySlackMiB, `memory grew by ${grownMiB.toFixed(0)} MiB after warm-up`)
    problems.expect(!(await gateway.shown()).includes(secretMark), 'a secret in metrics or status')
    await sleep(500)
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a suspicious log line', line)
    return {
      done: `${requests} requests of ${callers} callers, ${connections} connections`,
      result:
        `${[...outcomes].map(([outcome, times]) => `${outcome}: ${times}`).join(', ')}; ` +
        `memory by quarters ${[0, 1, 2, 3].map((nth) => quarter(nth).toFixed(0)).join(', ')} MiB`,
      problems: problems.list(),
    }
  },
}

/** For `localhost`, as PEM text. */
function selfSigned(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-chaos-tls-'))
  try {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem']
    const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync('openssl', ['req', '-x509', ...key, '-out', 'cert.pem', '-days', '2', ...name], { cwd: folder, stdio: 'pipe' })
    const text = (file: string): string => readFileSync(join(folder, file), 'utf8')
    return { cert: text('cert.pem'), key: text('key.pem') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
