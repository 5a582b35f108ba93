import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { onTestFinished } from 'vitest'
import { describeWithProgram } from './describe-with.ts'

/** Tests that need a real Redis; where there is none they are skipped and say so, but never in CI. */
export const describeWithRedis = describeWithProgram('redis-server', '--version')

/** A Redis of its own, on loopback, that keeps nothing. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Sends it a signal: SIGSTOP freezes it. */
  signal(signal: NodeJS.Signals): void
  /** Ends it at once. */
  kill(): Promise<void>
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>
  /** A connection to look with; ends with the server. */
  admin(password?: string): Promise<RedisAdmin>
}

/** Looks at a Redis from outside, or does harm to it. */
export type RedisAdmin = Awaited<ReturnType<typeof connectAdmin>>

/**
 * Starts a Redis and waits until it answers.
 * @param options more of the command line
 * @returns it, and what ends it; a test that calls {@link redisForTest} need not care
 */
export async function startRedis(...options: readonly string[]): Promise<RedisServer & { stop(): Promise<void> }> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-redis-'))
  const admins: RedisAdmin[] = []
  const launch = () =>
    spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...options],
      { stdio: 'ignore' },
    )
  let running = launch()
  const kill = async (): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }
  await untilItListens(port)
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    signal: (signal) => void running.kill(signal),
    kill,
    restart: async () => {
      await kill()
      running = launch()
      await untilItListens(port)
    },
    admin: async (password = '') => {
      const admin = await connectAdmin(port, password)
      admins.push(admin)
      return admin
    },
    stop: async () => {
      for (const admin of admins) admin.destroy()
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a Redis for one test. */
export async function redisForTest(...options: readonly string[]): Promise<RedisServer> {
  const server = await startRedis(...options)
  onTestFinished(() => server.stop())
  return server
}

async function connectAdmin(port: number, password: string) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, password, maintNotifications: 'disabled' })
  // A server that is killed takes its connections with it.
  client.on('error', () => {})
  return await client.connect()
}

/** A port that is free at the moment; Redis cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function untilItListens(port: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const answers = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => socket.write('PING\r\n'))
      // Also an error is an answer: it may want a password.
      socket.once('data', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (answers) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('redis-server does not start')
}
