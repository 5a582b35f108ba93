import { fieldValues } from './strict-message.ts'
import { readRequests } from './strict-request.ts'
import type { StrictRequest } from './strict-request.ts'
import { tcpServer } from './servers.ts'
import type { ChaosServer } from './servers.ts'

/** A request as it came to the upstream, and how its connection fared. */
export interface RecordedRequest extends StrictRequest {
  /** What the answer's field `X-Answer-To` says. */
  readonly number: number
}

/** An upstream on bare TCP that reads as strictly as can be, and keeps what it cannot read. */
export interface RecordingUpstream extends ChaosServer {
  /** Takes what has come since the last time. */
  take(): {
    readonly whole: readonly RecordedRequest[]
    /** Requests whose connection ended before they were whole. */
    readonly cut: readonly StrictRequest[]
    /** Bytes that are no requests. */
    readonly nonsense: readonly string[]
  }
  /** Whether something is there that is neither whole nor cut yet. */
  isWaiting(): boolean
}

/** Starts one. It answers every request that it has whole with 200, and says which it answers. */
export async function recordingUpstream(): Promise<RecordingUpstream> {
  let whole: RecordedRequest[] = []
  let cut: StrictRequest[] = []
  let nonsense: string[] = []
  let number = 0
  let waiting = 0
  const server = await tcpServer((socket) => {
    let text = ''
    let isWaiting = false
    const setWaiting = (is: boolean): void => {
      if (is !== isWaiting) waiting += is ? 1 : -1
      isWaiting = is
    }
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      for (;;) {
        const { requests, problem } = readRequests(text)
        const [request] = requests
        if (request === undefined ? problem !== undefined : 'problem' in request && request.problem !== undefined) {
          nonsense.push(`${problem ?? 'a body'}: ${JSON.stringify(text.slice(0, 400))}`)
          text = ''
          socket.destroy()
          return
        }
        if (request === undefined || !request.isWhole) break
        whole.push({ ...request, number: ++number })
        text = text.slice(request.endAt)
        const body = request.method === 'HEAD' ? '' : `answer ${number}`
        const length = `answer ${number}`.length
        socket.write(`HTTP/1.1 200 OK\r\nX-Answer-To: ${number}\r\nContent-Length: ${length}\r\n\r\n${body}`)
      }
      setWaiting(text !== '')
    })
    socket.on('close', () => {
      setWaiting(false)
      if (text === '') return
      const [request] = readRequests(text).requests
      if (request === undefined) nonsense.push(`an unfinished head: ${JSON.stringify(text.slice(0, 400))}`)
      else cut.push(request)
    })
  })
  return {
    ...server,
    isWaiting: () => waiting > 0,
    take: () => {
      const taken = { whole, cut, nonsense }
      whole = []
      cut = []
      nonsense = []
      return taken
    },
  }
}

/** What the gateway itself has to say to the upstream; everything else is the caller's. */
const ownFields = new Set([
  'authorization',
  'connection',
  'content-length',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])
const hopByHop = new Set(['http2-settings', 'keep-alive', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization', 'proxy-connection']) // prettier-ignore

/** What a request of a caller has to look like upstream. */
export interface Meant {
  /** Route's prefix, which the upstream's base path takes the place of. */
  readonly prefix: string
  readonly basePath: string
  /** The upstream's host and port. */
  readonly authority: string
}

/**
 * Compares what came with what was meant.
 * @param isCut whether the body may be the beginning of what was sent
 * @returns what is different; undefined when nothing is
 */
export function difference(came: StrictRequest, sent: StrictRequest, meant: Meant, isCut: boolean): string | undefined {
  const target = sent.target.replace(/^https?:\/\/[^/?]*/i, '')
  if (came.method !== sent.method) return 'the method'
  if (came.version !== '1.1') return 'the version'
  if (!target.startsWith(meant.prefix) || came.target !== meant.basePath + target.slice(meant.prefix.length)) return 'the target'
  if (isCut ? !sent.body.startsWith(came.body) : !sent.isWhole || came.body !== sent.body) return 'the body'
  if (!isCut && fieldValues(came, 'content-length').length + fieldValues(came, 'transfer-encoding').length > 1)
    return 'the framing'
  const [host, ...hosts] = fieldValues(came, 'host')
  if (host !== meant.authority || hosts.length > 0) return 'Host'
  const authorizations = fieldValues(came, 'authorization')
  if (authorizations.length !== 1 || !/^Bearer canary-access-token-\d+$/.test(authorizations[0] ?? '')) return 'the token'
  const via = [...fieldValues(sent, 'via'), `${sent.version} bearerd`]
  const nominated = new Set(fieldValues(sent, 'connection').join(',').toLowerCase().split(',').map((name) => name.trim())) // prettier-ignore
  if (nominated.has('via')) via.splice(0, via.length - 1)
  if (fieldValues(came, 'via').join('\n') !== via.join('\n')) return 'Via'
  if (!/^(?:keep-alive|close|TE|Upgrade)?$/i.test(fieldValues(came, 'connection').join(', '))) return 'Connection'
  const wanted = endToEnd(sent, new Set([...hopByHop, ...nominated]))
  return JSON.stringify(endToEnd(came)) === JSON.stringify(wanted) ? undefined : 'the fields'
}

function endToEnd({ fields, method }: StrictRequest, dropped?: ReadonlySet<string>): (readonly [string, string])[] {
  return fields
    .filter(([name]) => !ownFields.has(name.toLowerCase()) && dropped?.has(name.toLowerCase()) !== true)
    .map(([name, value]) => (method === 'OPTIONS' && name.toLowerCase() === 'max-forwards' ? [name, 'counted'] : [name, value]))
}
