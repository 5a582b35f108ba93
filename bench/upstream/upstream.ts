import { join } from 'node:path'
import { startProgram } from '../machine/program.ts'
import { createCertificates } from './certificates.ts'

/** Where contenders send requests to. */
export interface Upstream {
  /** The origin, such as `http://127.0.0.1:8080`. */
  readonly origin: string
  /** The file with the authority to trust, when it speaks TLS. */
  readonly ca: string | undefined
}

/** What the upstream got with the last request that had the mark of a probe. */
export interface Seen {
  /** Its request line; empty: there was none since this was told last. */
  readonly line: string
  /** Its whole head. */
  readonly head: string
  /** What its Content-Length said. */
  readonly bodyBytes: number
  /** How often the token endpoint was asked. */
  readonly tokenRequests: number
}

/** The process behind all contenders. */
export interface UpstreamProcess {
  readonly plain: Upstream
  /** Undefined when no certificate could be made. */
  readonly tls: Upstream | undefined
  readonly tokenEndpoint: string
  /** Tells it once. */
  seen(): Promise<Seen>
  /** The token given out so far counts no more; the token endpoint grants another one. */
  revoke(): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts it.
 * @param folder where its certificate goes
 * @param core the processor core that it stays on
 */
export async function startUpstream(folder: string, core: number | undefined): Promise<UpstreamProcess> {
  const certificates = createCertificates(folder)
  const files = certificates === undefined ? [] : [certificates.cert, certificates.key]
  const program = startProgram({
    command: process.execPath,
    args: [join(import.meta.dirname, 'program.ts'), ...files],
    core,
    log: join(folder, 'upstream.log'),
  })
  const [port, tlsPort] = JSON.parse(await program.firstLine) as [number, number | undefined]
  const origin = `http://127.0.0.1:${port}`
  return {
    plain: { origin, ca: undefined },
    tls: certificates && { origin: `https://localhost:${tlsPort}`, ca: certificates.ca },
    tokenEndpoint: `${origin}/token`,
    seen: async () => (await (await fetch(`${origin}/control/seen`)).json()) as Seen,
    revoke: async () => void (await fetch(`${origin}/control/revoke`, { method: 'POST' })),
    stop: program.stop,
  }
}
