import { Agent } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { call } from './load.ts'
import type { Result } from './load.ts'
import type { Random } from './random.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { httpServer } from './servers.ts'
import { secretMark, tokenEndpoint } from './token-endpoint.ts'
import { inParallel, quantile } from './wait.ts'

const samples = 40
const memorySlackMiB = 24
const descriptorSlack = 60

/** All kinds of traffic for a long time; what grows, leaks. */
export const mixedRun: Scenario = {
  name: 'mixed-run',
  run: async ({ count, defer, random, say }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const api = await httpServer((request, response) => {
      request.on('error', () => {})
      request.resume()
      if (!tokens.isLive(request.headers.authorization)) response.writeHead(401).end('refused')
      else if (request.url === '/reset') request.socket.resetAndDestroy()
      else if (request.url === '/cut')
        response.writeHead(200, { 'content-length': 1_000 }).write('cut', () => request.socket.destroy())
      else if (request.url === '/error') response.writeHead(500).end('no')
      else if (request.url === '/wait') setTimeout(() => response.end('late'), 500)
      else if (request.url === '/large') response.end(Buffer.alloc(60_000))
      else request.on('end', () => response.end('good'))
    })
    defer(() => api.close())
    const gateway = await startGatewayProcess(configOf(tokens.url, [{ path: '/api', upstream: api.url }]))
    defer(() => gateway.stop())

    const requests = count(100_000, { quick: 60_000, full: 1_000_000 })
    const agent = new Agent({ keepAlive: true, maxSockets: 32 })
    const results = new Map<string, number>()
    const tell = (kind: string, result: Result, wanted: readonly Result[]): void => {
      results.set(kind, (results.get(kind) ?? 0) + 1)
      problems.expect(wanted.includes(result), `${kind} came to ${result}`)
    }
    const memory: number[] = []
    const descriptors: number[] = []
    await inParallel(requests, 16, async (nth) => {
      if (nth % Math.ceil(requests / samples) === 0) {
        memory.push(gateway.memoryMiB())
        descriptors.push(gateway.descriptors())
        if (nth % Math.ceil(requests / 4) === 0)
          say(`${nth} of ${requests}: ${memory.at(-1)?.toFixed(0)} MiB, ${descriptors.at(-1)} descriptors`)
      }
      // A refused token now and then; while its renewal is on probation further refusals are passed on.
      if (nth % 2_000 === 1_999) tokens.revokeAll()
      await request(gateway.port, random.fork(String(nth)), agent, tell)
    })
    agent.destroy()
    await sleep(1_500)
    const atEnd = gateway.descriptors()
    // The first half is warm-up.
    const quarter = (list: readonly number[], nth: number): number =>
      quantile(list.slice((nth * list.length) / 4, ((nth + 1) * list.length) / 4), 0.5)
    const grownMiB = quarter(memory, 3) - quarter(memory, 2)
    problems.expect(grownMiB < memorySlackMiB, `memory grew by ${grownMiB.toFixed(0)} MiB after warm-up`)
    problems.expect(quarter(descriptors, 3) - quarter(descriptors, 2) < descriptorSlack, 'descriptors grew')
    problems.expect(atEnd <= Math.max(descriptors[0] ?? 0, 24) + 8 + api.open(), `${atEnd} descriptors at the end`)
    problems.expect(!(await gateway.shown()).includes(secretMark), 'a secret in metrics or status')
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a suspicious log line', line)
    return {
      done: `${requests} requests (${[...results].map(([kind, times]) => `${kind} ${times}`).join(', ')}), ${tokens.requests()} tokens`,
      result:
        `memory by quarters ${[0, 1, 2, 3].map((nth) => quarter(memory, nth).toFixed(0)).join(', ')} MiB; ` +
        `descriptors ${[0, 1, 2, 3].map((nth) => quarter(descriptors, nth)).join(', ')}, at the end ${atEnd}`,
      problems: problems.list(),
    }
  },
}

type Tell = (kind: string, result: Result, wanted: readonly Result[]) => void

async function request(port: number, random: Random, agent: Agent, tell: Tell): Promise<void> {
  const dice = random.below(100)
  const get = async (path: string): Promise<Result> => await call({ port, path }, agent)
  // While a renewed token is on probation, a refusal is passed on as it came.
  if (dice < 60) tell('good', await get('/api/a'), [200, 401])
  else if (dice < 75)
    tell(
      'uploads',
      await call({ port, path: '/api/a', method: 'POST', body: Buffer.alloc(random.below(10_240)) }, agent),
      [200, 401],
    )
  else if (dice < 78) tell('downloads', await get('/api/large'), [200, 401])
  else if (dice < 83) tell('without a route', await get('/nothing'), [404])
  else if (dice < 86) tell('answered with 500', await get('/api/error'), [500, 401])
  else if (dice < 88) tell('reset', await get('/api/reset'), [502, 401])
  else if (dice < 89) tell('cut', await get('/api/cut'), ['ECONNRESET', 502, 401])
  else if (dice < 92)
    tell('dot segments', await bare(port, 'GET /api/../a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'), [400])
  else if (dice < 95) tell('malformed', await bare(port, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n'), [400])
  else if (dice < 97)
    tell('wrong hosts', await bare(port, 'GET /api/a HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n'), [421])
  else tell('left', await bare(port, 'GET /api/wait HTTP/1.1\r\nHost: localhost\r\n\r\n', random.below(30)), [0])
}

/** On a connection of its own; a caller that has a time leaves then. @returns the status of the answer, 0 when there was none */
function bare(port: number, bytes: string, leaveAfterMs?: number): Promise<Result> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    if (leaveAfterMs !== undefined) setTimeout(() => socket.destroy(), leaveAfterMs)
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)))
    socket.write(bytes)
  })
}
