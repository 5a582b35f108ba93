import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningProgram } from './program.ts'

const patienceMs = 20_000

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
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
