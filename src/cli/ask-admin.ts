import { request as requestPlain } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { RequestOptions } from 'node:https'
import type { Config } from '../config/config.ts'
import { isSocketFile } from '../config/schema/listen.ts'
import type { ListenAddress } from '../config/schema/listen.ts'

/** How much may be answered, and within what. */
export interface AskLimits {
  readonly withinMs: number
  /** In characters: whoever listens there may be another program. */
  readonly longestAnswer: number
}

/**
 * Asks the admin interface of the gateway on this machine. Over TLS it must show the certificate of its configuration; for which names that
 * was issued makes no difference here.
 * @param path with its query
 * @returns its answer; or, for people, why there is none
 */
export async function askAdmin(
  { listen, tls }: Pick<Config['admin'], 'listen' | 'tls'>,
  path: string,
  { withinMs, longestAnswer }: AskLimits,
): Promise<{ readonly status: number; readonly text: string } | string> {
  if (!isSocketFile(listen) && listen.port === 0)
    return 'cannot be asked: the system chooses the port; write one under "admin.listen"'
  try {
    const options: RequestOptions = {
      ...placeOf(listen),
      path,
      // Neither a kept connection nor a proxy of the environment.
      agent: false,
      signal: AbortSignal.timeout(withinMs),
      ...(tls !== undefined && {
        ca: tls.cert.reveal(),
        allowPartialTrustChain: true,
        checkServerIdentity: () => undefined,
      }),
    }
    return await answerTo(tls === undefined ? requestPlain : requestSecure, options, longestAnswer)
  } catch (error) {
    return reasonOf(error, withinMs, tls !== undefined)
  }
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
  longestAnswer: number,
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
