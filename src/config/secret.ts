import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'

const masked = '[secret]'

/**
 * A value that must never be printed. It cannot print itself: `toString`, `toJSON`, template literals and
 * `util.inspect` all give `[secret]`; the only way to the value is `reveal()`, which is easy to find in a review.
 */
export class Secret {
  readonly #read: () => string
  /** The file that it is read from; undefined for a value that cannot change. */
  readonly file: string | undefined

  private constructor(read: () => string, file?: string) {
    this.#read = read
    this.file = file
  }

  /** A secret whose value is already in memory. */
  static of(value: string): Secret {
    return new Secret(() => value)
  }

  /**
   * A secret kept in a file, read again at every `reveal()`: token requests are rare, a file is cheap, and so a rotated
   * secret (also through the symlink swap of a Kubernetes volume) is used from the next token request on, without a
   * watcher that can miss it. While the file cannot be read or is empty, the last good value is used.
   * @param path path of the file; one trailing newline is dropped
   * @throws the file system's error, or an Error, when the file cannot be read or is empty the first time
   */
  static fromFile(path: string): Secret {
    let last = readSecretFile(path)
    return new Secret(() => {
      try {
        last = readSecretFile(path)
      } catch {
        // Mid-rotation; the value that worked a moment ago is the best there is.
      }
      return last
    }, path)
  }

  /** The value itself. Call it where the value goes on the wire, nowhere else. */
  reveal(): string {
    return this.#read()
  }

  /** The value as it is now: undefined when its file is gone or empty, where the last good value must not do. */
  revealPresent(): string | undefined {
    if (this.file === undefined) return this.#read()
    try {
      return readSecretFile(this.file)
    } catch {
      return undefined
    }
  }

  toString(): string {
    return masked
  }

  toJSON(): string {
    return masked
  }

  [inspect.custom](): string {
    return masked
  }
}

function readSecretFile(path: string): string {
  const value = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  if (value === '') throw new Error('the file is empty')
  return value
}
