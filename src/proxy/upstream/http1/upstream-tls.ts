import { createSecureContext } from 'node:tls'
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls'
import type { Route } from '../../../config/config.ts'
import type { Log } from '../../../telemetry/log.ts'

/** What is told when certificates are read again. */
export interface UpstreamTlsEvents {
  /** The files have changed: connections made with the old ones have to end. */
  readonly onChange: () => void
  readonly log: Log
}

type TlsFiles = Partial<Record<'ca' | 'cert' | 'key', string>>

/** What TLS connections to one upstream are made with; follows the files that it comes from. */
export class UpstreamTls {
  readonly #tls: NonNullable<Route['tls']>
  readonly #events: UpstreamTlsEvents
  #files: TlsFiles
  /** Made when it is first needed: the authorities of the platform are many, and a start should not wait for them. */
  #context: SecureContext | undefined
  /** For a shorter handshake (RFC 8446 2.2). Of this context: one of an older would prove what is not so any more. */
  #session: Buffer | undefined
  #refused: TlsFiles | undefined

  /** @throws when a certificate and its key do not go together */
  constructor(tls: NonNullable<Route['tls']>, events: UpstreamTlsEvents) {
    this.#tls = tls
    this.#events = events
    this.#files = this.#read()
    if (Object.keys(this.#files).length > 0) this.#context = createSecureContext(this.#files)
  }

  /** For the next connection; reads the files. */
  options(): ConnectionOptions {
    this.refresh()
    const { server_name } = this.#tls
    this.#context ??= createSecureContext(this.#files)
    return {
      secureContext: this.#context,
      // Says it even when there is none, so that the platform adds none of its own.
      session: this.#session,
      ...(server_name !== undefined && { servername: server_name }),
    }
  }

  /**
   * Keeps what shortens the next handshake.
   * @param made what the connection was made with
   * @returns whether connections are still made so
   */
  watch(socket: TLSSocket, made: ConnectionOptions): boolean {
    socket.on('session', (session: Buffer) => {
      if (made.secureContext === this.#context) this.#session = session
    })
    return made.secureContext === this.#context
  }

  /** Reads the files. While they do not fit together, which they do not in the middle of a rotation, the last good ones are used. */
  refresh(): void {
    const files = this.#read()
    if (isSame(files, this.#files) || (this.#refused !== undefined && isSame(files, this.#refused))) return
    try {
      this.#context = createSecureContext(files)
    } catch (error) {
      this.#refused = files
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
      this.#events.log.warn(
        { error: 'unusable_key', code },
        'the changed files of tls cannot be used; connections are made with the last good ones',
      )
      return
    }
    this.#files = files
    this.#session = undefined
    this.#refused = undefined
    this.#events.onChange()
  }

  #read(): TlsFiles {
    const { ca, cert, key } = this.#tls
    return {
      ...(ca && { ca: ca.reveal() }),
      ...(cert && { cert: cert.reveal() }),
      ...(key && { key: key.reveal() }),
    }
  }
}

function isSame(one: TlsFiles, other: TlsFiles): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key
}
