import { randomBytes } from 'node:crypto'

/** A place in a trace: what `traceparent` and `tracestate` say (W3C Trace Context, Level 1). */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  /** Of the span that calls: 16 lower-case hexadecimal digits. */
  readonly spanId: string
  /** Bits; 1 means that the trace is recorded. */
  readonly flags: number
  /** What tracing systems tell each other; undefined for nothing. */
  readonly state: string | undefined
}

const sampled = 1

/** Version, trace, span, flags; a later version may go on behind them (W3C Trace Context 3.2.2, 4.1.1). */
const syntax = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * Reads what a caller says of the trace that its request belongs to.
 * @param value of `traceparent`
 * @param state of `tracestate`
 * @returns undefined when it says nothing that is valid
 */
export function parseTraceParent(value: string, state: string | undefined): TraceParent | undefined {
  const [, version, traceId, spanId, flags, more] = syntax.exec(value) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (version === '00' && more !== undefined) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16), state }
}

/** Begins a trace. It counts as recorded: the access log tells of it. */
export function makeTraceParent(): TraceParent {
  const digits = randomBytes(24).toString('hex')
  return { traceId: digits.slice(0, 32), spanId: digits.slice(32), flags: sampled, state: undefined }
}

/** @returns the fields that say it: name, value, name, value */
export function traceFields({ traceId, spanId, flags, state }: TraceParent): string[] {
  const fields = ['traceparent', `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`]
  if (state !== undefined && state !== '') fields.push('tracestate', state)
  return fields
}
