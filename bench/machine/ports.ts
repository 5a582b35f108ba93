import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProgram } from './program.ts'

const patienceMs = 20_000

/**
 * A port that nobody uses now. It is none of those that systems give away by themselves (RFC 6335, section 6: from 49152; Linux: from 32768):
 * somebody else could get such a one before its program listens, and who tries to connect to it could even reach himself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const isFree = await new Promise<boolean>((resolve) => {
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (isFree) await new Promise((resolve) => server.close(resolve))
  return isFree
}

/** Waits until a program takes connections. @throws Error when it ends before, or never does */
export async function untilListening(program: RunningProgram, port: number): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (!(await takesConnections(port))) {
    program.check()
    if (performance.now() > endMs) throw new Error(`nothing listens on port ${port}`)
    await sleep(2)
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
