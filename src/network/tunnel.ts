import { request as httpRequest } from 'node:http'
import type { ClientRequest, RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { formatPlace } from '../config/egress-proxy.ts'
import type { EgressProxy, Place } from '../config/egress-proxy.ts'
import { errorCode } from './error-code.ts'
import { isTlsCode, tlsFailureInWords } from './tls-failure.ts'
import { TunnelError } from './tunnel-error.ts'

/** What a tunnel is dug with. */
export interface TunnelOptions {
  /** For everything: to the proxy, its answer, and TLS to the place. */
  readonly timeoutMs: number
  /** For TLS to the place; it is verified whatever stands here. */
  readonly tls?: ConnectionOptions | undefined
}

type Done = (error: Error | null, socket?: Socket) => void

/**
 * Connects to a place through an egress proxy (CONNECT, RFC 9110 9.3.6), for http as for https, so that the proxy never sees a
 * request; with TLS the place is verified end to end.
 * @param done called once: with the connection, ready to be written to, or with a TunnelError where the proxy is at fault, or
 * the error of TLS where the place is
 * @returns gives up, unless it is done
 */
export function openTunnel(proxy: EgressProxy, place: Place, { timeoutMs, tls }: TunnelOptions, done: Done): () => void {
  const target = formatPlace(place)
  let open: ClientRequest | Duplex
  let isDone = false
  const finish: Done = (error, socket) => {
    if (isDone) return
    isDone = true
    clearTimeout(timer)
    if (error !== null) open.destroy()
    done(error, socket)
  }
  let waitsFor = `no connection to the egress proxy ${proxy.shown}`
  const timer = setTimeout(() => {
    finish(new TunnelError(`${waitsFor} within ${timeoutMs} ms`, 'connection_timeout', { isTimeout: true }))
  }, timeoutMs)

  const request = sendConnect(proxy, target)
  open = request
  request.on('socket', (socket) => {
    socket.once(proxy.isTls ? 'secureConnect' : 'connect', () => {
      waitsFor = `no answer of the egress proxy ${proxy.shown}, asked for ${target},`
    })
  })
  request.on('error', (error) => finish(failureOf(error, proxy, target)))
  // Comes with every status: behind CONNECT the platform reads no body.
  request.on('connect', ({ statusCode = 0 }, socket: Socket, head) => {
    open = socket
    // It may break before anybody else listens.
    socket.on('error', () => {})
    const refusal = refusalOf(statusCode, proxy, target)
    if (refusal !== undefined) finish(refusal)
    else if (head.length > 0) {
      // Neither TLS nor HTTP servers speak first: whatever this is, it would be taken for the first answer.
      finish(new TunnelError(`the egress proxy ${proxy.shown} sent bytes that nobody asked for`, 'http_protocol_error'))
    } else if (!place.isTls) finish(null, socket)
    else {
      waitsFor = `no TLS with ${target} through the egress proxy ${proxy.shown}`
      try {
        const secure = speakTls(place, socket, tls)
        open = secure
        secure.once('secureConnect', () => {
          secure.off('error', finish)
          finish(null, secure)
        })
        secure.on('error', finish)
      } catch (error) {
        // A certificate and a key that do not fit, in the middle of a rotation: nobody else would catch it here.
        finish(error instanceof Error ? error : new Error('no TLS', { cause: error }))
      }
    }
  })
  request.end()
  return () => finish(new TunnelError(`the way through the egress proxy ${proxy.shown} was given up`, 'connection_terminated'))
}

/** @throws the platform's error when the certificate and the key do not go together */
function speakTls(place: Place, socket: Socket, tls: ConnectionOptions | undefined): TLSSocket {
  return tlsConnect({
    ALPNProtocols: ['http/1.1'],
    ...(isIP(place.hostname) === 0 && { servername: place.hostname }),
    ...tls,
    host: place.hostname,
    socket,
    rejectUnauthorized: true,
  })
}

function sendConnect(proxy: EgressProxy, target: string): ClientRequest {
  const options: RequestOptions = {
    method: 'CONNECT',
    host: proxy.hostname,
    port: proxy.port,
    path: target,
    agent: false,
    setHost: false,
    headers: { Host: target, ...(proxy.authorization && { 'Proxy-Authorization': proxy.authorization.reveal() }) },
    maxHeaderSize: largestHeadBytes,
  }
  // The platform would take the name for TLS from Host; and a variable of its (NODE_TLS_REJECT_UNAUTHORIZED) could end verification.
  const tls = { servername: isIP(proxy.hostname) === 0 ? proxy.hostname : '', rejectUnauthorized: true }
  const request = proxy.isTls ? httpsRequest({ ...options, ...tls }) : httpRequest(options)
  // `close`, which the platform would send without an agent, makes some proxies do so.
  request.removeHeader('Connection')
  return request
}

const largestHeadBytes = 16 * 1024

/** What an answer to CONNECT means; undefined when there is a tunnel (RFC 9110 9.3.6: any 2xx). */
function refusalOf(status: number, { shown, authorization }: EgressProxy, target: string): TunnelError | undefined {
  if (status >= 200 && status <= 299) return undefined
  if (status === 407) {
    const remedy =
      authorization === undefined
        ? 'put user and password in front of its host: http://USER:PASSWORD@HOST:PORT'
        : 'check the user and password in its URL'
    return new TunnelError(`the egress proxy ${shown} wants to know who we are (407); ${remedy}`, 'proxy_configuration_error')
  }
  if (status >= 500) {
    return new TunnelError(
      `the egress proxy ${shown} cannot reach ${target} (${status}); ask those who run it`,
      'destination_unavailable',
    )
  }
  const remedy = 'have it allowed there, or go without this proxy (NO_PROXY, or proxy: off)'
  return new TunnelError(
    `the egress proxy ${shown} does not let us connect to ${target} (${status}); ${remedy}`,
    'connection_refused',
  )
}

function failureOf(error: Error, { shown }: EgressProxy, target: string): TunnelError {
  const code = errorCode(error) ?? 'connection_failed'
  if (code.startsWith('HPE_'))
    return new TunnelError(
      `the answer of the egress proxy ${shown} is not valid HTTP (${code}); is it an http proxy?`,
      'http_protocol_error',
      { cause: error },
    )
  if (isTlsCode(code)) {
    const words = tlsFailureInWords(code) ?? 'TLS to it failed'
    return new TunnelError(`no connection to the egress proxy ${shown} (${code}): ${words}`, 'tls_certificate_error', {
      cause: error,
    })
  }
  if (code === 'ECONNRESET')
    return new TunnelError(
      `the egress proxy ${shown} closed the connection when it was asked for ${target}`,
      'connection_terminated',
      { cause: error },
    )
  const proxyStatus = /^(ENOTFOUND|EAI_)/.test(code) ? 'dns_error' : 'connection_refused'
  return new TunnelError(`no connection to the egress proxy ${shown} (${code}); check its URL`, proxyStatus, { cause: error })
}
