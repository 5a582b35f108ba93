import type { Config } from '../../config/config.ts'
import { makeTraceParent, parseTraceParent, traceFields } from '../../telemetry/trace-parent.ts'
import type { TraceParent } from '../../telemetry/trace-parent.ts'
import type { Span, SpanAttributes, Tracer } from '../../telemetry/tracer.ts'
import type { Forwarding } from '../forwarding.ts'
import { valuesOf } from '../message/fields.ts'
import type { ReceivedRequest } from '../request/received-request.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** What becomes of the caller's `traceparent` on the way to the upstream. */
export type TraceMode = Config['tracing']['traceparent']

/** What tracing needs to know. */
export interface TracingParts {
  readonly mode: TraceMode
  /** Undefined when no OpenTelemetry SDK was loaded. */
  readonly tracer: Tracer | undefined
}

/** The trace that a request belongs to. */
export interface RequestTrace {
  /** For the access log; undefined when there is no trace. */
  readonly id: string | undefined
  /** A request is about to be sent to the upstream. @param path at the upstream, without the query */
  startCall(forwarding: Forwarding, upstream: Upstream, path: string): CallTrace
  /** The exchange is over. */
  end(outcome: ExchangeOutcome): void
}

/** How an exchange ended. */
export interface ExchangeOutcome {
  readonly status: number
  /** The code of the problem that was answered with. */
  readonly error: string | undefined
  /** What the route is called; undefined when there was none. */
  readonly route: string | undefined
}

/** One request to the upstream, as part of a trace. */
export interface CallTrace {
  /** The trace fields that it carries in place of the caller's; undefined leaves those as they are. */
  readonly fields: readonly string[] | undefined
  answered(status: number): void
  /** @param error a code */
  failed(error: string): void
}

/** Finds the trace that a request belongs to, by what its caller says (W3C Trace Context) and by the spans of an OpenTelemetry SDK. */
export function traceOf({ method, target, fields }: ReceivedRequest, { mode, tracer }: TracingParts): RequestTrace {
  const values = valuesOf(fields, 'traceparent')
  if (values.length === 0 && mode === 'pass' && tracer === undefined) return noTrace
  // Said twice it says nothing (W3C Trace Context 3.2).
  const [value] = values.length === 1 ? values : []
  const said = value === undefined ? undefined : parseTraceParent(value, stateOf(fields))
  if (tracer === undefined) return plainTrace(mode, said)
  const fieldsFor = ({ place }: Span): readonly string[] | undefined => {
    if (mode === 'off') return nothing
    return place === undefined || (mode === 'pass' && said === undefined) ? undefined : traceFields(place)
  }
  const current = tracer.current()
  if (current !== undefined) return new SpannedTrace(tracer, current, undefined, fieldsFor)
  const attributes = { 'http.request.method': method, 'url.path': target.path }
  const own = tracer.start('server', method, attributes, said)
  return new SpannedTrace(tracer, own, own, fieldsFor)
}

/** RFC 9110 5.3: several fields of one list. */
function stateOf(fields: readonly string[]): string | undefined {
  const values = valuesOf(fields, 'tracestate')
  return values.length === 0 ? undefined : values.join(',')
}

function plainTrace(mode: TraceMode, said: TraceParent | undefined): PlainTrace {
  if (mode === 'off') return new PlainTrace(said?.traceId, nothing)
  if (mode === 'pass' || said !== undefined) return new PlainTrace(said?.traceId, undefined)
  const made = makeTraceParent()
  return new PlainTrace(made.traceId, traceFields(made))
}

const nothing: readonly string[] = []

/** A trace that others tell of. Every request to the upstream has the same place in it. */
class PlainTrace implements RequestTrace, CallTrace {
  readonly id: string | undefined
  readonly fields: readonly string[] | undefined

  constructor(id: string | undefined, fields: readonly string[] | undefined) {
    this.id = id
    this.fields = fields
  }

  startCall(): CallTrace {
    return this
  }

  answered(): void {}
  failed(): void {}
  end(): void {}
}

const noTrace = new PlainTrace(undefined, undefined)

/** A trace to which the gateway adds spans. */
class SpannedTrace implements RequestTrace {
  readonly #tracer: Tracer
  readonly #request: Span
  /** Ours; undefined where somebody else's instrumentation has one for the same request. */
  readonly #own: Span | undefined
  readonly #fieldsFor: (span: Span) => readonly string[] | undefined

  constructor(tracer: Tracer, request: Span, own: Span | undefined, fieldsFor: (span: Span) => readonly string[] | undefined) {
    this.#tracer = tracer
    this.#request = request
    this.#own = own
    this.#fieldsFor = fieldsFor
  }

  get id(): string | undefined {
    return this.#request.place?.traceId
  }

  startCall({ exchange, received: { method }, route }: Forwarding, upstream: Upstream, path: string): CallTrace {
    const attributes: SpanAttributes = {
      'http.request.method': method,
      'url.full': `${upstream.isTls ? 'https' : 'http'}://${upstream.authority}${path}`,
      'server.address': upstream.hostname,
      'server.port': upstream.port,
      'bearerd.route': route.label,
      'bearerd.token': exchange.tokenWay,
      ...(route.credential && { 'bearerd.credential': route.credential.name }),
      ...(exchange.callCount > 0 && { 'http.request.resend_count': exchange.callCount }),
    }
    const span = this.#tracer.start('client', method, attributes, this.#request)
    return new SpannedCall(span, this.#fieldsFor(span))
  }

  end({ status, error, route }: ExchangeOutcome): void {
    // To who answers, only what went wrong on its own side is an error (OpenTelemetry's conventions for HTTP spans).
    const attributes = { 'http.response.status_code': status, ...(route !== undefined && { 'http.route': route }) }
    this.#own?.end(attributes, status >= 500 ? (error ?? String(status)) : undefined)
  }
}

class SpannedCall implements CallTrace {
  readonly fields: readonly string[] | undefined
  readonly #span: Span

  constructor(span: Span, fields: readonly string[] | undefined) {
    this.#span = span
    this.fields = fields
  }

  answered(status: number): void {
    // To who calls, a status of 4xx is one too.
    this.#span.end({ 'http.response.status_code': status }, status >= 400 ? String(status) : undefined)
  }

  failed(error: string): void {
    this.#span.end({}, error)
  }
}
