import { readFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { LoadTarget } from './load.ts'

/** How one request went. */
export interface Result {
  /** Whether it was answered with 200, whole. */
  readonly isAnswered: boolean
  readonly firstByteMs: number
  readonly tookMs: number
}

const endOfHead = Buffer.from('\r\n\r\n')
/** An answer without Content-Length is chunked here, and ends like that; no answer of the benchmark holds it elsewhere. */
const endOfChunks = Buffer.from('0\r\n\r\n')

/** One connection of a caller, with one request at a time: lean, since it shares its core with the upstream. */
export class CallerConnection {
  readonly #socket: Socket
  readonly #message: Buffer
  #done: ((result: Result) => void) | undefined
  #sentMs = 0
  #firstByteMs = 0
  #isOk = false
  /** Bytes of the body still to come; undefined: an unknown number. */
  #bodyLeft: number | undefined
  #head: Buffer | undefined
  #tail: Buffer = Buffer.alloc(0)
  #isInBody = false
  #isOpen = true

  private constructor(socket: Socket, message: Buffer) {
    this.#socket = socket
    this.#message = message
    socket.on('data', (data: Buffer) => this.#receive(data))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isOpen = false
      this.#finish(false)
    })
  }

  /** Connects. @returns undefined when nobody takes the connection */
  static async open({ base, ca }: LoadTarget, message: Buffer): Promise<CallerConnection | undefined> {
    const { protocol, hostname: host, port: text } = new URL(base)
    const port = Number(text)
    const isTls = protocol === 'https:'
    const socket = isTls
      ? connectTls({ host, port, servername: host, ...(ca !== undefined && { ca: readFileSync(ca) }) })
      : connectPlain({ host, port })
    socket.setNoDelay()
    return await new Promise((resolve) => {
      socket.once('error', () => resolve(undefined))
      socket.once(isTls ? 'secureConnect' : 'connect', () => resolve(new CallerConnection(socket, message)))
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Sends the request; tells when it is over. */
  send(done: (result: Result) => void): void {
    this.#done = done
    this.#sentMs = performance.now()
    this.#head = undefined
    this.#isInBody = false
    if (this.#isOpen) this.#socket.write(this.#message)
    else this.#finish(false)
  }

  close(): void {
    this.#done = undefined
    this.#socket.destroy()
  }

  #receive(received: Buffer): void {
    let data = received
    if (!this.#isInBody) {
      if (this.#head !== undefined) data = Buffer.concat([this.#head, data])
      const end = data.indexOf(endOfHead)
      if (end < 0) {
        this.#head = data
        return
      }
      this.#begin(data.toString('latin1', 0, end))
      data = data.subarray(end + endOfHead.length)
    }
    if (data.length > 0 && this.#firstByteMs === 0) this.#firstByteMs = performance.now() - this.#sentMs
    if (this.#bodyLeft !== undefined) {
      this.#bodyLeft -= data.length
      if (this.#bodyLeft <= 0) this.#finish(this.#isOk)
      return
    }
    this.#tail = data.length >= endOfChunks.length ? data : Buffer.concat([this.#tail, data])
    this.#tail = this.#tail.subarray(-endOfChunks.length)
    if (this.#tail.equals(endOfChunks)) this.#finish(this.#isOk)
  }

  #begin(head: string): void {
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    this.#isOk = head.startsWith('HTTP/1.1 200')
    this.#bodyLeft = length === undefined ? undefined : Number(length)
    this.#tail = Buffer.alloc(0)
    this.#isInBody = true
    this.#firstByteMs = 0
  }

  #finish(isAnswered: boolean): void {
    const done = this.#done
    this.#done = undefined
    done?.({ isAnswered, firstByteMs: this.#firstByteMs, tookMs: performance.now() - this.#sentMs })
  }
}

/** The bytes of a request. */
export function messageOf({ base, method, path, fields, bodyBytes }: LoadTarget): Buffer {
  const { host, pathname } = new URL(base)
  const prefix = pathname === '/' ? '' : pathname
  const lines = [`${method} ${prefix}${path} HTTP/1.1`, `Host: ${host}`]
  for (const [name, value] of Object.entries(fields)) lines.push(`${name}: ${value}`)
  if (bodyBytes > 0) lines.push('Content-Type: application/octet-stream', `Content-Length: ${bodyBytes}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${'x'.repeat(bodyBytes)}`, 'latin1')
}
