import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { formatPlace } from '../../config/egress-proxy.ts'
import type { EgressProxy, Place } from '../../config/egress-proxy.ts'
import { certificateLife } from '../../network/certificate-life.ts'
import { addressesOf, reachPort } from '../../network/reach-port.ts'
import { withinTime } from '../../network/time-limit.ts'
import { TunnelError } from '../../network/tunnel-error.ts'
import { connect } from '../../proxy/upstream/http1/connect.ts'
import type { Finding, Tell } from './finding.ts'
import { connectFailure, lookupFailure, tlsFailure } from './way-failure.ts'
import type { Unreached } from './way-failure.ts'

/** A way to somewhere, as the configuration describes it. */
export interface Way {
  readonly place: Place
  /** On the way; undefined where it is direct. */
  readonly proxy: EgressProxy | undefined
  /** What TLS is spoken with, read at this moment. @throws when certificate and key do not go together */
  readonly tls: () => ConnectionOptions | undefined
  /** The keys that name the place, and what TLS is spoken with. */
  readonly key: string
  readonly tlsKey: string
}

/** What is known of a way. */
export interface ExaminedWay {
  readonly findings: readonly Finding[]
  /** Established, TLS included; undefined where that failed. Whoever asks for it closes it. */
  readonly socket: Socket | undefined
}

/** What an examination goes by. */
export interface WayLimits {
  /** For each step, in milliseconds. */
  readonly limitMs: number
  /** Milliseconds since the epoch. */
  readonly nowEpochMs: () => number
  readonly tell: Tell
}

/** Certificates are usually renewed 30 days ahead; in three weeks whoever forgot it can still be asked in peace. */
const soonDays = 21
const dayMs = 24 * 3_600_000

/** Goes a way step by step, to the first that fails: name, port or egress proxy, TLS. The last connection is made as the gateway makes it. */
export async function examineWay(way: Way, limits: WayLimits): Promise<ExaminedWay> {
  const findings: Finding[] = []
  const first = way.proxy ?? way.place
  const key = way.proxy === undefined ? way.key : 'the URL of the egress proxy'
  const unreached = { hostname: first.hostname, port: first.port, key }
  for (const step of [examineName, examinePort]) {
    const finding = await step(unreached, limits)
    if (finding !== undefined) findings.push(finding)
    if (finding?.verdict === 'failed') return { findings, socket: undefined }
  }
  const { findings: last, socket } = await examineConnection(way, limits)
  return { findings: [...findings, ...last], socket }
}

async function examineName({ hostname, key }: Unreached, { limitMs, tell }: WayLimits): Promise<Finding | undefined> {
  // An address needs none.
  if (isIP(hostname) !== 0) return undefined
  tell('dns')
  try {
    const addresses = await addressesOf(hostname, limitMs)
    return { check: 'dns', verdict: 'ok', message: `${hostname} is ${addresses.join(', ')}`, facts: { addresses } }
  } catch (error) {
    return { check: 'dns', verdict: 'failed', message: lookupFailure(error, { hostname, key }, limitMs) }
  }
}

async function examinePort(unreached: Unreached, { limitMs, tell }: WayLimits): Promise<Finding> {
  tell('tcp')
  const startedMs = performance.now()
  try {
    const address = await reachPort(unreached, limitMs)
    const took_ms = Math.round(performance.now() - startedMs)
    return { check: 'tcp', verdict: 'ok', message: `${formatPlace(unreached)} in ${took_ms} ms`, facts: { address, took_ms } }
  } catch (error) {
    return { check: 'tcp', verdict: 'failed', message: connectFailure(error, unreached, limitMs) }
  }
}

async function examineConnection(way: Way, { limitMs, nowEpochMs, tell }: WayLimits): Promise<ExaminedWay> {
  const { place, proxy } = way
  tell(proxy !== undefined ? 'proxy' : place.isTls ? 'tls' : 'tcp')
  const proxied: Finding[] =
    proxy === undefined
      ? []
      : [{ check: 'proxy', verdict: 'ok', message: `${proxy.shown} lets us connect to ${formatPlace(place)}` }]
  const unreached = { hostname: place.hostname, port: place.port, key: way.key }
  try {
    const socket = await connectAs(way, limitMs)
    const certified = socket instanceof TLSSocket ? [certificateFinding(socket, nowEpochMs())] : []
    return { findings: [...proxied, ...certified], socket }
  } catch (error) {
    if (error instanceof TunnelError) {
      const remedy = error.message.includes('; ') ? '' : '; check its URL, and ask those who run it'
      return { findings: [{ check: 'proxy', verdict: 'failed', message: `${error.message}${remedy}` }], socket: undefined }
    }
    const failure: Finding = place.isTls
      ? { check: 'tls', verdict: 'failed', message: tlsFailure(error, unreached, way.tlsKey, limitMs) }
      : { check: 'tcp', verdict: 'failed', message: connectFailure(error, unreached, limitMs) }
    return { findings: [...proxied, failure], socket: undefined }
  }
}

async function connectAs({ place, proxy, tls }: Way, limitMs: number): Promise<Socket> {
  let giveUp = (): void => {}
  const connecting = new Promise<Socket>((resolve, reject) => {
    giveUp = connect(place, { tls: tls(), proxy, timeoutMs: limitMs, onBytes: undefined }, (error, connected) =>
      connected === undefined ? reject(error ?? new Error('no connection')) : resolve(connected.socket),
    )
  })
  // Through a proxy the tunnel itself watches the time, and says where it got stuck.
  return await (proxy === undefined ? withinTime(connecting, limitMs, giveUp) : connecting)
}

function certificateFinding(socket: TLSSocket, nowEpochMs: number): Finding {
  const protocol = socket.getProtocol() ?? 'TLS'
  const life = certificateLife(socket, nowEpochMs)
  if (life === undefined) return { check: 'tls', verdict: 'ok', message: protocol, facts: { protocol } }
  const days_left = Math.floor((life.expiresAtEpochMs - nowEpochMs) / dayMs)
  const expires = new Date(life.expiresAtEpochMs).toISOString()
  const facts = { protocol, days_left, expires }
  if (days_left >= soonDays)
    return { check: 'tls', verdict: 'ok', message: `${protocol}, certificate good for ${days_left} more days`, facts }
  const whose = life.isOwn ? 'its certificate' : 'a certificate of an authority in its chain'
  const message = `${whose} expires in ${days_left} ${days_left === 1 ? 'day' : 'days'}, at ${expires}; ask those who run it whether it is renewed in time`
  return { check: 'tls', verdict: 'warning', message, facts }
}
