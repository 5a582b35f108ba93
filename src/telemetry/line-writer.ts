import { write, writeSync } from 'node:fs'

/** How lines are put together. */
export interface LineWriterOptions {
  /** So many bytes are written without waiting for more. */
  readonly enoughBytes: number
  /** Lines are written together up to so many bytes; a longer one by itself. */
  readonly mostBytes: number
  /** What is there is written after so many milliseconds at the latest. */
  readonly longestDelayMs: number
  /** So much may wait to be written; lines beyond that are lost. */
  readonly mostWaitingBytes: number
  /** What stands in the place of lines that were lost: a line of its own. */
  readonly lossLine: (lost: number) => string
}

/** How soon one is asked again who takes nothing for now, in milliseconds. */
const retryMs = 10
/** How often at the end: whoever takes nothing any more must not keep a process from ending. */
const lastRetries = 100

/**
 * Writes lines to a file descriptor, in the background, in whole lines, in their order. What cannot be written is lost, and nothing
 * besides: no log is worth the process that writes it, be the disk full, or whoever reads it gone or asleep.
 */
export class LineWriter {
  readonly #fd: number
  readonly #options: LineWriterOptions
  /** Put together, and waiting for those before. */
  readonly #blocks: string[] = []
  #lines = ''
  #bytes = 0
  /** All that is not written yet. */
  #waitingBytes = 0
  #lost = 0
  /** What is being written; it shrinks as the system takes it. */
  #current: Buffer | undefined
  /** Whether the system has it in its hands. */
  #isUnderWay = false
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(fd: number, options: LineWriterOptions) {
    this.#fd = fd
    this.#options = options
  }

  /** @param line with its end */
  write(line: string): void {
    if (this.#isClosed) return
    const bytes = Buffer.byteLength(line)
    if (this.#waitingBytes + bytes > this.#options.mostWaitingBytes) {
      this.#lost++
      return
    }
    if (this.#lost > 0) this.#tellLoss()
    this.#add(line, bytes)
    if (this.#current === undefined) this.#goOn()
  }

  /** Writes all that is there, while the process waits: for its end. */
  flushSync(): void {
    if (this.#lost > 0) this.#tellLoss()
    // What the system has in its hands it writes, whatever becomes of the process.
    let rest = this.#isUnderWay ? undefined : this.#current
    rest ??= this.#takeBlock()
    for (let retries = 0; rest !== undefined && !this.#isClosed;) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest))
      } catch (error) {
        if (!isBusy(error) || ++retries > lastRetries) this.#close()
        else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
      }
      if (rest.length === 0) rest = this.#takeBlock()
    }
    this.#close()
  }

  #tellLoss(): void {
    const line = this.#options.lossLine(this.#lost)
    this.#lost = 0
    this.#add(line, Buffer.byteLength(line))
  }

  #add(line: string, bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#options.mostBytes) this.#closeBlock()
    this.#lines += line
    this.#bytes += bytes
    this.#waitingBytes += bytes
  }

  #closeBlock(): void {
    this.#blocks.push(this.#lines)
    this.#lines = ''
    this.#bytes = 0
  }

  #takeBlock(): Buffer | undefined {
    if (this.#blocks.length === 0 && this.#bytes > 0) this.#closeBlock()
    const block = this.#blocks.shift()
    return block === undefined ? undefined : Buffer.from(block)
  }

  /** Nothing is being written. */
  #goOn(): void {
    if (this.#blocks.length > 0 || this.#bytes >= this.#options.enoughBytes) this.#writeNext()
    else if (this.#bytes > 0) this.#timer ??= setTimeout(() => this.#writeNext(), this.#options.longestDelayMs).unref()
  }

  #writeNext(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#current = this.#takeBlock()
    this.#writeCurrent()
  }

  #writeCurrent(): void {
    if (this.#current === undefined || this.#isClosed) return
    this.#isUnderWay = true
    write(this.#fd, this.#current, this.#onWritten)
  }

  readonly #onWritten = (error: Error | null, bytes: number): void => {
    this.#isUnderWay = false
    if (isBusy(error)) {
      setTimeout(() => this.#writeCurrent(), retryMs).unref()
      return
    }
    if (hasCode(error, 'EPIPE')) this.#close()
    const before = this.#current?.length ?? 0
    // What has failed is not tried again: the next may fare better.
    const done = error === null ? bytes : before
    this.#waitingBytes -= done
    this.#current = done < before ? this.#current?.subarray(done) : undefined
    if (this.#current === undefined) this.#goOn()
    else this.#writeCurrent()
  }

  /** Nobody will take any more. */
  #close(): void {
    this.#isClosed = true
    this.#blocks.length = 0
    this.#lines = ''
    this.#bytes = 0
  }
}

function isBusy(error: unknown): boolean {
  return hasCode(error, 'EAGAIN') || hasCode(error, 'EBUSY')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
