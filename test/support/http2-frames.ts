import { connect, createServer as createTcpServer } from 'node:net'
import { createServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { pemOf } from './certificates.ts'
import type { CertificateFiles } from './certificates.ts'

/** RFC 9113 6. */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** RFC 9113 6.1, 6.2. */
export const endStream = 1
export const endHeaders = 4

/** One frame as received. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A connection on which a test speaks in frames. */
export interface FrameConnection {
  readonly socket: TLSSocket
  /** Which of them it is, from 1. */
  readonly number: number
  send(type: keyof typeof frameTypes, flags: number, stream: number, payload?: Buffer | string): void
  /** An answer's head with status 200 or whatever fields say, and a body with its end. */
  answer(stream: number, body?: string): void
  /** Error code, or last stream id and error code. */
  code(...numbers: readonly number[]): Buffer
}

/** An upstream of frames. */
export interface FrameUpstream {
  readonly port: number
  readonly url: string
  /** Every frame received, but for settings. */
  readonly frames: (Frame & { readonly connection: number })[]
  connections(): number
}

/** Starts an upstream that says what no HTTP/2 library would; settings and pings it answers, unless it `isMute`. */
export async function frameUpstream(
  files: CertificateFiles,
  onFrame: (frame: Frame, connection: FrameConnection) => void,
  { isMute = false, protocols = ['h2'] } = {},
): Promise<FrameUpstream> {
  const frames: (Frame & { connection: number })[] = []
  let accepted = 0
  const server = createServer({ cert: pemOf(files.cert), key: pemOf(files.key), ALPNProtocols: protocols }, (socket) => {
    const connection = connectionOn(socket, ++accepted)
    socket.on('error', () => {})
    if (!isMute) connection.send('settings', 0, 0)
    let rest = Buffer.alloc(0)
    let isBegun = false
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      if (!isBegun && rest.length >= prefaceBytes) {
        isBegun = true
        rest = rest.subarray(prefaceBytes)
      }
      if (!isBegun) return
      while (rest.length >= 9) {
        const length = rest.readUIntBE(0, 3)
        if (rest.length < 9 + length) return
        const [type = 0, flags = 0] = rest.subarray(3, 5)
        const frame = { type, flags, stream: rest.readUInt32BE(5), payload: Buffer.from(rest.subarray(9, 9 + length)) }
        rest = rest.subarray(9 + length)
        if (type !== frameTypes.settings) frames.push({ ...frame, connection: connection.number })
        else if (!isMute && flags === 0) connection.send('settings', 1, 0)
        if (type === frameTypes.ping && flags === 0 && !isMute) connection.send('ping', 1, 0, frame.payload)
        onFrame(frame, connection)
      }
    })
  })
  server.on('tlsClientError', () => {})
  const open = new Set<TLSSocket>()
  server.on('secureConnection', (socket) => open.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `https://localhost:${port}`, frames, connections: () => accepted }
}

/** RFC 9113 3.4. */
const prefaceBytes = 24

/** Fields as they stand in a HEADERS frame, none of them in a table (RFC 7541 6.2.2). */
export function fieldBlock(...fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) =>
      Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name, 'latin1'), lengthOf(value), Buffer.from(value, 'latin1')]),
    ),
  )
}

/** RFC 7541 5.1, for a prefix of 7 bits. */
function lengthOf({ length }: string): Buffer {
  if (length < 127) return Buffer.from([length])
  const bytes = [127]
  let rest = length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

/** One frame as it stands on the wire, whatever it says. */
export function frameBytes(type: keyof typeof frameTypes | number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = typeof type === 'number' ? type : frameTypes[type]
  head[4] = flags
  head.writeInt32BE(stream | 0, 5)
  return Buffer.concat([head, payload])
}

function connectionOn(socket: TLSSocket, number: number): FrameConnection {
  const send: FrameConnection['send'] = (type, flags, stream, payload = Buffer.alloc(0)) =>
    void socket.write(frameBytes(type, flags, stream, Buffer.from(payload as string, 'latin1')))
  return {
    socket,
    number,
    send,
    answer: (stream, body = 'good') => {
      send('headers', endHeaders, stream, fieldBlock([':status', '200']))
      send('data', endStream, stream, body)
    },
    code: (...numbers) => {
      const bytes = Buffer.alloc(4 * numbers.length)
      for (const [index, value] of numbers.entries()) bytes.writeUInt32BE(value, 4 * index)
      return bytes
    },
  }
}

/** A relay in front of a server of HTTP/2 without TLS, which keeps the blocks of fields that come from there. */
export async function blocksOf(serverPort: number): Promise<{ readonly port: number; readonly blocks: Buffer[] }> {
  const blocks: Buffer[] = []
  const relay = createTcpServer((caller) => {
    const server = connect(serverPort, '127.0.0.1')
    caller.on('error', () => {}).on('close', () => server.destroy())
    server.on('error', () => {}).on('close', () => caller.destroy())
    let rest = Buffer.alloc(0)
    caller.pipe(server)
    server.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let length = lengthOfFrame(rest); rest.length >= 9 + length; length = lengthOfFrame(rest)) {
        if (rest[3] === frameTypes.headers) blocks.push(Buffer.from(rest.subarray(9, 9 + length)))
        rest = rest.subarray(9 + length)
      }
      caller.write(chunk)
    })
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void relay.close())
  return { port: (relay.address() as AddressInfo).port, blocks }
}

function lengthOfFrame(bytes: Buffer): number {
  return bytes.length < 9 ? Number.POSITIVE_INFINITY : bytes.readUIntBE(0, 3)
}
