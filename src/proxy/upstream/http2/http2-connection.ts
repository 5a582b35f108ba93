import type { Socket } from 'node:net'
import { Watchdog } from '../../message/watchdog.ts'
import { readOnAfterFailedWrite } from '../http1/failed-write.ts'
import { checkControlFrame } from './control-frames.ts'
import { FrameBudget } from './frame-budget.ts'
import { FrameReader } from './frame-reader.ts'
import type { FrameListener } from './frame-reader.ts'
import { flag, frameType, goawayFrame, headersFrames, initialWindow, largestWindow, pingFrame, preface } from './frames.ts'
import { resetFrame, setting, settingsAck, settingsFrame, windowUpdateFrame } from './frames.ts'
import { FrameWriter } from './frame-writer.ts'
import { CompressionError } from './hpack/compression-error.ts'
import { FieldDecoder } from './hpack/field-decoder.ts'
import { emptyTable, encodeFields } from './hpack/field-encoder.ts'
import { Http2Error, nameOfCode, RequestEndedError } from './http2-error.ts'
import type { ErrorName } from './http2-error.ts'
import { Http2Stream } from './http2-stream.ts'
import { Liveness } from './liveness.ts'
import { PeerSettings } from './peer-settings.ts'
import { firstReceiveWindow, ReceiveWindow } from './receive-window.ts'
import type { StreamHost } from './stream-host.ts'

/** Whose connection it is. */
export interface Http2Owner {
  /** The upstream has said what it allows; only then it is known that it speaks HTTP/2. */
  onReady(connection: Http2Connection): void
  /** There may be room for a request, where there was none. */
  onRoom(connection: Http2Connection): void
  /** Nothing is under way on it. @returns whether it may serve further requests */
  mayGoOn(connection: Http2Connection): boolean
  /** It takes no further requests. */
  onDraining(connection: Http2Connection): void
  /** It is closed. @param error why, where that is known */
  onClosed(connection: Http2Connection, error: Error | undefined): void
}

/** What a connection goes by. */
export interface Http2Limits {
  /** How long the upstream may take to answer when it is asked whether it is there, in milliseconds. */
  readonly pingMs: number
  readonly now: () => number
}

/** The fields of an answer, with 32 bytes for each: as many as HTTP/1.1 may have. */
const mostFieldBytes = 64 * 1024

/** More streams do not share a connection, whatever the upstream allows: each piece that is lost on the way holds all of them up. */
const mostStreams = 128

/** The window of all streams together, which is opened whether or not callers read: one that does not must not stop the others. */
const connectionWindow = 4 * 1024 ** 2

/** A stream that has the connection nearly to itself gets more room, for upstreams that are far away. */
const widestWindow = 1024 ** 2

/**
 * So many streams are reset on one connection: servers take clients that do so again and again for attackers (CVE-2023-44487), and
 * end the connection with all that is on it.
 */
const mostResets = 200

/** Without streams it is closed after so long: servers announce the end of a connection, so that it may be kept longer than HTTP/1.1. */
const idleMs = 30_000

/** How long what was said last may take to leave, and an answer to arrive after the upstream has stopped reading. */
const lingerMs = 1_000

/** A connection of HTTP/2 to an upstream (RFC 9113), on which many requests are under way at a time. */
export class Http2Connection implements FrameListener, StreamHost<Http2Stream> {
  readonly #socket: Socket
  readonly #owner: Http2Owner
  readonly #budget: FrameBudget
  readonly #writer: FrameWriter
  readonly #reader = new FrameReader(this)
  readonly #decoder = new FieldDecoder(mostFieldBytes)
  readonly #settings = new PeerSettings()
  readonly #liveness: Liveness
  /** Ends it when it has been idle for long enough. */
  readonly #idle = new Watchdog(() => this.end())
  /** Ends it when it takes too long to end. */
  readonly #linger = new Watchdog(() => this.#close(this.#error))
  /** Those that were taken, whether or not their heads have been sent. */
  readonly #taken = new Set<Http2Stream>()
  readonly #streams = new Map<number, Http2Stream>()
  #nextId = 1
  readonly #window = new ReceiveWindow(connectionWindow, (bytes) => this.widen(0, bytes))
  /** Whether the frame of a body that is under way has brought nothing yet. */
  #isEmpty = true
  #resets = 0
  #state: 'starting' | 'open' | 'draining' | 'closed' = 'starting'
  #error: Error | undefined
  bytesReceived = 0

  /** Takes over an established connection. @param isRead whether somebody calls `receive` with what comes in */
  constructor(socket: Socket, isRead: boolean, owner: Http2Owner, { pingMs, now }: Http2Limits) {
    this.#socket = socket
    this.#owner = owner
    this.#budget = new FrameBudget(now)
    this.#writer = new FrameWriter(socket, this.#budget)
    this.#liveness = new Liveness({
      pingMs,
      now,
      ping: () => this.#writer.write(pingFrame(0, pingData)),
      onDead: () => this.#close(new RequestEndedError('PING was not answered', false)),
    })
    readOnAfterFailedWrite(socket, (error) => this.#onWriteFailed(error))
    socket.on('error', (error) => (this.#error ??= error))
    socket.on('end', () => this.#close(this.#error))
    socket.on('close', () => this.#close(this.#error))
    if (!isRead) socket.on('data', this.receive)
    this.#writer.write(preface + settingsFrame(ownSettings) + windowUpdateFrame(0, connectionWindow - initialWindow))
  }

  /** How many streams there may be at a time. */
  get places(): number {
    return Math.min(this.#settings.maxStreams, mostStreams)
  }

  /** Whether it takes, or will take, requests. */
  get isOpen(): boolean {
    return (this.#state === 'starting' || this.#state === 'open') && !this.#socket.destroyed && !this.#socket.readableEnded
  }

  /** Whether nothing is under way on it. */
  get isIdle(): boolean {
    return this.#taken.size === 0
  }

  /** How many requests are under way on it. */
  get load(): number {
    return this.#taken.size
  }

  /** Whether it takes a request now. */
  get hasRoom(): boolean {
    return this.#state === 'open' && this.isOpen && this.#taken.size < this.places
  }

  /** Whether bodies wait for the window that all of them share. */
  get isCrowded(): boolean {
    return this.#writer.isCrowded
  }

  /** Whether any request has been sent on it. */
  get wasUsed(): boolean {
    return this.#nextId > 1
  }

  get isFull(): boolean {
    return this.#writer.isFull
  }

  get sendWindow(): number {
    return this.#settings.initialWindow
  }

  get receiveWindow(): number {
    return Math.max(firstReceiveWindow, Math.min(widestWindow, connectionWindow / Math.max(this.#taken.size, 1)))
  }

  /** A stream for a request, if there is room. */
  take(): Http2Stream | undefined {
    if (!this.hasRoom) return undefined
    const stream = new Http2Stream(this)
    this.#taken.add(stream)
    this.#idle.stop()
    this.#liveness.start()
    return stream
  }

  /** Takes no further requests, and ends once those that are under way are over. */
  drain(): void {
    if (this.#state !== 'open' && this.#state !== 'starting') return
    this.#state = 'draining'
    this.#owner.onDraining(this)
    if (this.isIdle) this.end()
  }

  /** Says goodbye, and ends. */
  end(): void {
    this.#endWith('NO_ERROR', undefined)
  }

  /** Ends the connection, whatever is under way on it. */
  destroy(): void {
    this.#close(this.#error)
  }

  /** What came in. @param bytes may be overwritten after the call */
  readonly receive = (bytes: Buffer): void => {
    if (this.#state === 'closed') return
    this.bytesReceived += bytes.length
    this.#liveness.onHeard()
    try {
      this.#reader.read(bytes)
    } catch (error) {
      if (error instanceof Http2Error) this.#endWith(error.code, error)
      else if (error instanceof CompressionError)
        this.#endWith('COMPRESSION_ERROR', new Http2Error('COMPRESSION_ERROR', error.message))
      else throw error
    }
  }

  /** For a stream. */
  open(stream: Http2Stream, fields: readonly string[], isEnd: boolean): number {
    const id = this.#nextId
    this.#nextId += 2
    this.#streams.set(id, stream)
    this.#budget.onRequest()
    const block = encodeFields(fields)
    this.#writer.write(headersFrames(id, id === 1 ? emptyTable + block : block, isEnd))
    this.#liveness.onRequest()
    // Numbers are never used again (RFC 9113 5.1.1).
    if (this.#nextId > largestWindow - 2 * mostStreams) this.drain()
    return id
  }

  /** For a stream. */
  send(stream: Http2Stream): void {
    this.#writer.send(stream)
  }

  /** For a stream. */
  wait(stream: Http2Stream): void {
    this.#writer.wait(stream)
  }

  /** For a stream. */
  widen(id: number, bytes: number): void {
    this.#writer.write(windowUpdateFrame(id, bytes))
  }

  /** For a stream. */
  reset({ id }: Http2Stream, code: ErrorName): void {
    if (id === 0 || this.#state === 'closed') return
    this.#writer.write(resetFrame(id, code))
    if (++this.#resets === mostResets) this.drain()
  }

  /** For a stream. */
  leave(stream: Http2Stream): void {
    this.#writer.leave(stream)
    this.#streams.delete(stream.id)
    if (!this.#taken.delete(stream) || this.#state === 'closed') return
    if (this.isIdle) {
      this.#liveness.stop()
      if (this.#state === 'draining' || !this.#owner.mayGoOn(this)) {
        this.end()
        return
      }
      this.#idle.arm(idleMs)
    }
    this.#owner.onRoom(this)
  }

  /** For the reader. */
  onData(id: number, length: number): void {
    if (!this.#window.take(length)) throw new Http2Error('FLOW_CONTROL_ERROR', 'more comes in than the window allows')
    this.#window.open(connectionWindow)
    this.#isEmpty = true
    const stream = this.#streamOf(id)
    if (stream === undefined) this.#spend()
    else stream.onData(length)
  }

  /** For the reader. */
  onDataPiece(id: number, piece: Buffer): void {
    this.#isEmpty = false
    this.#streams.get(id)?.onDataPiece(piece)
  }

  /** For the reader. */
  onDataEnd(id: number, isEnd: boolean): void {
    if (this.#isEmpty && !isEnd) this.#spend()
    this.#streams.get(id)?.onDataEnd(isEnd)
  }

  /** For the reader. */
  onHeaders(id: number, block: Buffer, isEnd: boolean): void {
    // Also for a stream that is over: later blocks refer to this one.
    const { fields, isTooLarge } = this.#decoder.decode(block)
    this.#spend()
    this.#streamOf(id)?.onFields(fields, isTooLarge, isEnd)
  }

  /** For the reader. */
  onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    const isAck = (flags & flag.ack) !== 0
    if (this.#state === 'starting' && (type !== frameType.settings || isAck))
      throw new Http2Error('PROTOCOL_ERROR', 'it does not begin with SETTINGS')
    checkControlFrame(type, id, payload)
    // The first settings everybody has to send.
    if (this.#state !== 'starting') this.#spend()
    if (type === frameType.windowUpdate) this.#onWindowUpdate(id, payload)
    else if (type === frameType.reset) this.#streamOf(id)?.onReset(payload.readUInt32BE(0))
    else if (type === frameType.settings) this.#onSettings(isAck, payload)
    else if (type === frameType.goaway) this.#onGoaway(payload)
    else if (type === frameType.ping && !isAck) this.#writer.write(pingFrame(flag.ack, payload.toString('latin1')))
  }

  #onSettings(isAck: boolean, payload: Buffer): void {
    if (isAck) {
      if (payload.length > 0) throw new Http2Error('FRAME_SIZE_ERROR', 'an acknowledgement says something')
      return
    }
    const before = this.#settings.initialWindow
    this.#settings.read(payload)
    this.#writer.write(settingsAck)
    if (this.#state === 'starting') {
      this.#state = 'open'
      // Whoever is told may have no use for it.
      this.#idle.arm(idleMs)
      this.#owner.onReady(this)
      return
    }
    const change = this.#settings.initialWindow - before
    for (const { outgoing } of this.#taken)
      if (!outgoing.widen(change)) throw new Http2Error('FLOW_CONTROL_ERROR', 'a window is too large')
    this.#writer.sendWaiting()
    this.#owner.onRoom(this)
  }

  /** RFC 9113 6.8. */
  #onGoaway(payload: Buffer): void {
    const last = payload.readUInt32BE(0) & 0x7fffffff
    const name = nameOfCode(payload.readUInt32BE(4))
    // Who wants us to slow down is not to be asked the same again at once.
    const error = new RequestEndedError(`GOAWAY with ${name}`, name !== 'ENHANCE_YOUR_CALM')
    if (this.#state === 'open') {
      this.#state = 'draining'
      this.#owner.onDraining(this)
    }
    for (const stream of this.#taken) if (stream.id === 0 || stream.id > last) stream.fail(error)
    if (this.isIdle) this.end()
  }

  #onWindowUpdate(id: number, payload: Buffer): void {
    const bytes = payload.readUInt32BE(0) & 0x7fffffff
    if (bytes === 0) throw new Http2Error('PROTOCOL_ERROR', 'a window is opened by nothing')
    const isFine = id === 0 ? this.#writer.widen(bytes) : (this.#streamOf(id)?.outgoing.widen(bytes) ?? true)
    if (!isFine) throw new Http2Error('FLOW_CONTROL_ERROR', 'a window is too large')
    this.#writer.sendWaiting()
  }

  /** @returns undefined for one that is over @throws Http2Error for one that never was */
  #streamOf(id: number): Http2Stream | undefined {
    if (id % 2 === 0 || id >= this.#nextId) throw new Http2Error('PROTOCOL_ERROR', 'a frame stands on a stream that never was')
    return this.#streams.get(id)
  }

  #spend(): void {
    if (!this.#budget.spend()) throw new Http2Error('ENHANCE_YOUR_CALM', 'it sends frames without end that bring nothing')
  }

  /** The upstream takes nothing more. What it has said before can still be read. */
  #onWriteFailed(error: Error): void {
    this.#error ??= error
    this.#writer.break()
    if (this.isIdle) this.#close(error)
    else {
      this.drain()
      this.#linger.arm(lingerMs)
    }
  }

  #endWith(code: ErrorName, error: Http2Error | undefined): void {
    if (this.#state === 'closed') return
    // What was said last goes out first, but nobody waits for who does not take it. The connection is not ended before it is closed:
    // with TLS such an end may stay under way for ever when the upstream is gone, and the process with it.
    this.#writer.write(goawayFrame(code), () => this.#socket.destroy())
    this.#finish(error)
    this.#linger.arm(lingerMs)
  }

  #close(error: Error | undefined): void {
    this.#finish(error)
    this.#linger.stop()
    this.#socket.destroy()
  }

  /** Nothing that happens on it from here on is of interest. */
  #finish(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#reader.stop()
    this.#idle.stop()
    this.#liveness.stop()
    this.#owner.onClosed(this, error)
    for (const stream of this.#taken) stream.fail(stream.id === 0 ? new RequestEndedError('closed', true) : error)
  }
}

/** Known by whom it is sent; nobody has to know it again. */
const pingData = 'bearerd.'

const ownWindow = [setting.initialWindowSize, firstReceiveWindow]
const ownSettings = [setting.enablePush, 0, ...ownWindow, setting.maxHeaderListSize, mostFieldBytes]
