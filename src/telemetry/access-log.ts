import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import { isoTime } from './iso-time.ts'
import type { Log } from './log.ts'

/** What is told of a finished request. Never a secret, a field or a body; times in milliseconds. */
export interface AccessRecord {
  readonly request_id: string
  /** Of the trace that it belongs to, as `traceparent` has it. */
  readonly trace_id: string | undefined
  /** The configured name of who called; undefined where callers are not told apart, or nobody was recognised. */
  readonly caller: string | undefined
  readonly route: string | undefined
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** With its question mark; undefined where it is not to be told. */
  readonly query: string | undefined
  readonly status: number
  readonly duration_ms: number
  readonly token: string
  readonly replay: string | undefined
  readonly upstream: string | undefined
  readonly upstream_status: number | undefined
  readonly upstream_ms: number | undefined
  readonly error: string | undefined
}

/**
 * The access log: one line per request, among those of the log and in their shape. Put together by hand, because this is the one line
 * that every request pays for.
 */
export class AccessLog {
  readonly #log: Log
  readonly #destination: DestinationStream
  /** What every line of the log says. */
  readonly #bindings: string

  /** @param log where its lines go */
  constructor(log: Log) {
    this.#log = log
    this.#destination = (log as unknown as Record<symbol, DestinationStream>)[pino.symbols.streamSym] as DestinationStream
    this.#bindings = Object.entries(log.bindings())
      .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
      .join('')
  }

  /** Writes the line of a request, where the log's level lets it through. */
  write(record: AccessRecord): void {
    if (!this.#log.isLevelEnabled('info')) return
    let line = `{"level":"info","time":"${isoTime(Date.now())}"${this.#bindings},"request_id":"${record.request_id}"`
    if (record.trace_id !== undefined) line += `,"trace_id":"${record.trace_id}"`
    if (record.caller !== undefined) line += `,"caller":${JSON.stringify(record.caller)}`
    if (record.route !== undefined) line += `,"route":${JSON.stringify(record.route)}`
    line += `,"method":${JSON.stringify(record.method)},"path":${JSON.stringify(record.path)}`
    if (record.query !== undefined) line += `,"query":${JSON.stringify(record.query)}`
    line += `,"status":${record.status},"duration_ms":${rounded(record.duration_ms)},"token":"${record.token}"`
    if (record.replay !== undefined) line += `,"replay":"${record.replay}"`
    if (record.upstream !== undefined) line += `,"upstream":${JSON.stringify(record.upstream)}`
    if (record.upstream_status !== undefined) line += `,"upstream_status":${record.upstream_status}`
    if (record.upstream_ms !== undefined) line += `,"upstream_ms":${rounded(record.upstream_ms)}`
    if (record.error !== undefined) line += `,"error":"${record.error}"`
    this.#destination.write(`${line},"message":"request"}\n`)
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
