import { request as requestPlain } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { RequestOptions } from 'node:https'
import type { Config } from '../config/config.ts'
import { formatAddress, isSocketFile } from '../config/schema/listen.ts'
import type { ListenAddress } from '../config/schema/listen.ts'

/** What a probe says. */
interface ProbeAnswer {
  readonly isGood: boolean
  /** For people: what was asked, and what it said or why it said nothing. */
  readonly says: string
}

/** The probes of the admin interface. */
type Probe = '/readyz' | '/livez'

/** More than any answer of ours: whoever listens there may be another program. */
const longestAnswer = 4_096

/**
 * Asks a probe of the gateway on this machine. Over TLS it must show the certificate of its configuration; for which names that was
 * issued makes no difference here.
 * @param withinMs how long it may take in all
 */
export async function askProbe(
  { listen, tls }: Pick<Config['admin'], 'listen' | 'tls'>,
  probe: Probe,
  withinMs: number,
): Promise<ProbeAnswer> {
  const shown = `${probe} at ${formatAddress(listen)}`
  if (!isSocketFile(listen) && listen.port === 0)
    return bad(`${shown} cannot be asked: the system chooses the port; write one under "admin.listen"`)
  try {
    const options: RequestOptions = {
      ...placeOf(listen),
      path: `${probe}?verbose`,
      // Neither a kept connection nor a proxy of the environment.
      agent: false,
      signal: AbortSignal.timeout(withinMs),
      ...(tls !== undefined && {
        ca: tls.cert.reveal(),
        allowPartialTrustChain: true,
        checkServerIdentity: () => undefined,
      }),
    }
    const { status, text } = await answerTo(tls === undefined ? requestPlain : requestSecure, options)
    return { isGood: status === 200, says: `${shown} is ${status}${status === 200 ? '' : missingParts(text)}` }
  } catch (error) {
    return bad(`${shown} ${reasonOf(error, withinMs, tls !== undefined)}`)
  }
}

function bad(says: string): ProbeAnswer {
  return { isGood: false, says }
}

/** What listens on every address is asked at that of this machine. */
function placeOf(listen: ListenAddress): RequestOptions {
  if (isSocketFile(listen)) return { socketPath: listen.path }
  const { host, port } = listen
  if (host === '::') return { host: '::1', port }
  return { host: host === '' || host === '0.0.0.0' ? '127.0.0.1' : host, port }
}

function answerTo(
  request: typeof requestPlain | typeof requestSecure,
  options: RequestOptions,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const read = (response: IncomingMessage): void => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (piece: string) => {
      text += piece
      if (text.length <= longestAnswer) return
      reject(new Error('the answer is too long'))
      response.destroy()
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', reject)
  }
  request(options, read).on('error', reject).end()
  return promise
}

/** The lines of `?verbose` that say what is not as it should be. */
function missingParts(text: string): string {
  const parts = [...text.matchAll(/^\[-\](\w+)/gm)].map(([, name]) => name)
  return parts.length === 0 ? '' : `: not ready: ${parts.join(', ')}`
}

function reasonOf(error: unknown, withinMs: number, isTls: boolean): string {
  if (error instanceof Error && error.name === 'AbortError') return `does not answer within ${withinMs} ms`
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'cannot be asked: nothing listens there',
    ENOENT: 'cannot be asked: there is no such socket',
    EACCES: 'cannot be asked: this user may not use the socket',
    CERT_HAS_EXPIRED: 'cannot be asked: the certificate has expired',
    HPE_INVALID_CONSTANT: 'cannot be asked: what listens there does not speak HTTP as configured',
    ECONNRESET: 'cannot be asked: the connection was closed without an answer',
  }
  if (isTls && /^(ERR_SSL|EPROTO)/.test(code)) return `cannot be asked: what listens there does not speak TLS as configured`
  if (isTls && /CERT|ISSUER|SIGNATURE/.test(code) && code !== 'CERT_HAS_EXPIRED')
    return `cannot be asked: its certificate is another than that of admin.tls (${code})`
  return reasons[code] ?? `cannot be asked: ${code}`
}
