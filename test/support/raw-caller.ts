import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A caller on a bare connection, who says what it wants when it wants. Everything is latin1: one character per byte. */
export interface RawCaller {
  readonly socket: Socket
  /** Everything received so far. */
  readonly text: string
  /** How the connection ended, or `open`. */
  readonly end: 'open' | 'closed' | 'reset'
  send(bytes: string | Buffer): void
  /** Waits until what was received satisfies a condition. @throws Error with what was received, after `ms` milliseconds */
  until(condition: (text: string) => boolean, ms?: number): Promise<string>
  /** Waits until the other side has ended the connection. @throws Error with what was received, after `ms` milliseconds */
  ended(ms?: number): Promise<'closed' | 'reset'>
}

/** Connects to a port of this machine; the connection is gone when the test ends. */
export async function rawCaller(port: number): Promise<RawCaller> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.setEncoding('latin1')
  let text = ''
  let end: RawCaller['end'] = 'open'
  const changed = (): void => void socket.emit('changed')
  socket.on('data', (chunk: string) => {
    text += chunk
    changed()
  })
  socket.on('end', () => {
    if (end === 'open') end = 'closed'
    changed()
  })
  socket.on('error', () => {
    end = 'reset'
    changed()
  })
  socket.on('close', () => {
    if (end === 'open') end = 'closed'
    changed()
  })
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.once('close', () => resolve())
  })

  const waitFor = (isReady: () => boolean, ms: number, what: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!isReady()) return
        clearTimeout(timer)
        socket.off('changed', check)
        resolve()
      }
      const timer = setTimeout(() => {
        socket.off('changed', check)
        reject(
          new Error(
            `${what} did not happen within ${ms} ms; received: ${JSON.stringify(text.slice(0, 2_000))}, connection: ${end}`,
          ),
        )
      }, ms)
      socket.on('changed', check)
      check()
    })

  return {
    socket,
    get text() {
      return text
    },
    get end() {
      return end
    },
    send: (bytes) => void (typeof bytes === 'string' ? socket.write(bytes, 'latin1') : socket.write(bytes)),
    until: async (condition, ms = 5_000) => {
      await waitFor(() => condition(text), ms, 'what the caller waits for')
      return text
    },
    ended: async (ms = 5_000) => {
      await waitFor(() => end !== 'open', ms, 'the end of the connection')
      return end === 'reset' ? 'reset' : 'closed'
    },
  }
}
