import type { Socket } from 'node:net'
import type { FrameBudget } from './frame-budget.ts'
import { flag, frameHead, frameType, initialWindow, largestFrame, largestWindow } from './frames.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** Who has a body to send. */
export interface BodySender {
  readonly id: number
  readonly outgoing: OutgoingBody
  /** Some of what waited has been sent. */
  onSent(): void
  /** All of what waited has been sent, and more can be. */
  onWritable(): void
  /** The end of the body has been sent. */
  onEndSent(): void
}

/** Up to here a piece is written as a string, which costs less than several buffers. */
const smallPiece = 8 * 1024

/**
 * Writes the frames of one connection. What is written in one go leaves in one system call; bodies share the connection frame by
 * frame, as far as its window and theirs allow.
 */
export class FrameWriter {
  readonly #socket: Socket
  readonly #budget: FrameBudget
  /** What the upstream will take of all bodies together. */
  #window = initialWindow
  #isCorked = false
  #isBroken = false
  /** In the order in which they are served. */
  readonly #waiting = new Set<BodySender>()

  constructor(socket: Socket, budget: FrameBudget) {
    this.#socket = socket
    this.#budget = budget
    socket.on('drain', () => this.sendWaiting())
  }

  /** Whether the connection takes nothing more for now. */
  get isFull(): boolean {
    return this.#isBroken || this.#socket.writableNeedDrain
  }

  /** Whether somebody waits until the upstream takes more of all bodies together. */
  get isCrowded(): boolean {
    return this.#window <= 0 && this.#waiting.size > 0
  }

  /** From now on nothing is written: nobody would take it. */
  break(): void {
    this.#isBroken = true
  }

  /** Writes frames that no window limits. @param frames one character for each byte @param onWritten told when they have left */
  write(frames: string, onWritten?: () => void): void {
    if (this.#isBroken) return
    this.#cork()
    this.#socket.write(frames, 'latin1', onWritten)
  }

  /** Sends what somebody has to send, as far as it goes; the rest, and the news that there is room again, come later. */
  send(sender: BodySender): void {
    if (!this.#waiting.has(sender)) while (!this.isFull && this.#sendFrame(sender));
    this.#sendEnd(sender)
    if (sender.outgoing.isWaiting || this.isFull) this.#waiting.add(sender)
  }

  /** Has somebody told when the connection takes more. */
  wait(sender: BodySender): void {
    this.#waiting.add(sender)
  }

  /** Forgets somebody. */
  leave(sender: BodySender): void {
    this.#waiting.delete(sender)
    sender.outgoing.drop()
  }

  /** RFC 9113 6.9. @returns false for a window that no number can say */
  widen(bytes: number): boolean {
    this.#window += bytes
    return this.#window <= largestWindow
  }

  /**
   * Goes on with those who wait: first those who only wait for room, because a large body would take it all again and again; then
   * each a frame in turn. Whoever has had one goes to the end of the line, and the next time begins where this one ends: what the
   * upstream takes at once is often less than a frame for each.
   */
  sendWaiting(): void {
    if (this.isFull) return
    for (const sender of Array.from(this.#waiting)) this.#tell(sender)
    for (let isMore = true; isMore;) {
      isMore = false
      for (const sender of Array.from(this.#waiting)) {
        if (this.isFull || this.#window <= 0) break
        if (!this.#waiting.has(sender) || !this.#sendFrame(sender)) continue
        isMore = true
        if (this.#waiting.delete(sender)) this.#waiting.add(sender)
      }
    }
    // Whose last piece has filled the connection is told next time.
    if (!this.isFull) for (const sender of Array.from(this.#waiting)) this.#tell(sender)
  }

  /** Tells somebody that there is room, unless something waits. */
  #tell(sender: BodySender): void {
    if (sender.outgoing.isWaiting || !this.#waiting.delete(sender)) return
    sender.onWritable()
  }

  /** @returns false when nothing waits, or a window is closed */
  #sendFrame(sender: BodySender): boolean {
    const piece = sender.outgoing.take(Math.min(largestFrame, this.#window))
    if (piece === undefined) return false
    this.#window -= piece.length
    this.#budget.onDataSent()
    const head = frameHead(piece.length, frameType.data, 0, sender.id)
    this.#cork()
    if (piece.length <= smallPiece) this.#socket.write(head + piece.toString('latin1'), 'latin1')
    else {
      this.#socket.write(head, 'latin1')
      this.#socket.write(piece)
    }
    sender.onSent()
    this.#sendEnd(sender)
    return true
  }

  /** An end has no length, so that no window holds it up. */
  #sendEnd(sender: BodySender): void {
    if (!sender.outgoing.isEndDue) return
    sender.outgoing.noteEnd()
    this.write(frameHead(0, frameType.data, flag.endStream, sender.id))
    sender.onEndSent()
  }

  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#isCorked = false
      this.#socket.uncork()
    })
  }
}
