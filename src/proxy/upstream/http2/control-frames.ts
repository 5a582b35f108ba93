import { frameType } from './frames.ts'
import { Http2Error } from './http2-error.ts'

/**
 * Checks what can be said of a frame without knowing what came before it: how long it is, and where it stands (RFC 9113 6.4 to 6.9).
 * @throws Http2Error when it is not allowed
 */
export function checkControlFrame(type: number, stream: number, { length }: Buffer): void {
  if (type === frameType.pushPromise) throw new Http2Error('PROTOCOL_ERROR', 'it pushes, which it was told not to')
  const rule = rules.get(type)
  if (rule === undefined) return
  if (length < rule.least || length > rule.most) throw new Http2Error('FRAME_SIZE_ERROR', `${rule.name} has ${length} bytes`)
  if (rule.isOfConnection && stream !== 0) throw new Http2Error('PROTOCOL_ERROR', `${rule.name} stands on a stream`)
}

interface Rule {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly isOfConnection: boolean
}

const any = Number.POSITIVE_INFINITY

const rules: ReadonlyMap<number, Rule> = new Map([
  [frameType.reset, { name: 'RST_STREAM', least: 4, most: 4, isOfConnection: false }],
  [frameType.settings, { name: 'SETTINGS', least: 0, most: any, isOfConnection: true }],
  [frameType.ping, { name: 'PING', least: 8, most: 8, isOfConnection: true }],
  [frameType.goaway, { name: 'GOAWAY', least: 8, most: any, isOfConnection: true }],
  [frameType.windowUpdate, { name: 'WINDOW_UPDATE', least: 4, most: 4, isOfConnection: false }],
])
