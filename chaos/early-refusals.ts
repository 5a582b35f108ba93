import { connect } from 'node:net'
import { configOf, startGatewayProcess } from './gateway-process.ts'
import { Problems } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { tcpServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { inParallel } from './wait.ts'

const uploadBytes = 8 * 1024 ** 2
const refusal = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrefused'

/**
 * Providers that refuse an upload after its first KiB and close the connection with a reset, because nobody reads the rest. Over a
 * network such an answer can be lost in the kernel; here it has arrived, and the caller has to get it.
 */
export const earlyRefusals: Scenario = {
  name: 'early-refusals',
  run: async ({ count, defer }) => {
    const problems = new Problems()
    const tokens = await tokenEndpoint()
    defer(() => tokens.close())
    const upstreams = [0, 20].map(async (resetAfterMs) => {
      const server = await tcpServer((socket) => {
        let received = 0
        let isAnswered = false
        socket.on('data', (chunk: Buffer) => {
          received += chunk.length
          if (received < 1_500 || isAnswered) return
          isAnswered = true
          socket.pause()
          socket.write(refusal, () => {
            if (resetAfterMs === 0) socket.resetAndDestroy()
            else setTimeout(() => socket.resetAndDestroy(), resetAfterMs)
          })
        })
      })
      defer(() => server.close())
      return { path: `/after-${resetAfterMs}-ms`, server }
    })
    const paths = await Promise.all(upstreams)
    const gateway = await startGatewayProcess(configOf(tokens.url, paths.map(({ path, server }) => ({ path, upstream: server.url })))) // prettier-ignore
    defer(() => gateway.stop())

    const uploads = count(1_000)
    const results: string[] = []
    const shortfalls: string[] = []
    for (const { path } of paths) {
      const outcomes = new Map<string, number>()
      await inParallel(uploads / paths.length, 8, async () => {
        const outcome = await upload(gateway.port, path)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      })
      const lost = (outcomes.get('502') ?? 0) + (outcomes.get('none') ?? 0)
      if (lost > 0)
        shortfalls.push(
          `${lost} of ${uploads / paths.length} answers lost (reset ${path.slice(1).replaceAll('-', ' ')}): a write that fails takes the platform's connection with it, unread (nodejs/node#54366)`,
        )
      results.push(
        `reset ${path.slice(1).replaceAll('-', ' ')}: ${[...outcomes].map(([outcome, times]) => `${outcome}: ${times}`).join(', ')}`,
      )
    }
    problems.expect(gateway.isRunning(), 'the gateway crashed')
    const how = await gateway.stop()
    problems.expect(how === 0, `the gateway ended with ${how}`)
    for (const line of gateway.suspicious) problems.add('a suspicious log line', line)
    return {
      done: `${uploads} uploads of 8 MiB, refused and reset after 1 KiB`,
      result: `${results.join('; ')} (401 is the provider's own)`,
      problems: problems.list(),
      shortfalls,
    }
  },
}

/** Uploads as fast as it can, reads whatever comes. @returns the status of the answer, or `none` */
function upload(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    const timer = setTimeout(() => socket.destroy(), 20_000)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\r\n\r\n')) setTimeout(() => socket.destroy(), 5)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 'none')
    })
    socket.write(`POST ${path}/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${uploadBytes}\r\n\r\n`)
    socket.write(piece.subarray(0, 1_024))
    let left = uploadBytes - 1_024
    const send = (): void => {
      while (left > 0 && !socket.destroyed) {
        const size = Math.min(left, piece.length)
        left -= size
        if (!socket.write(piece.subarray(0, size))) {
          socket.once('drain', send)
          return
        }
      }
    }
    send()
  })
}

const piece = Buffer.alloc(64 * 1024, 'a')
