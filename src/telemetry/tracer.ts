import type { Attributes, Context, Span as ApiSpan } from 'opentelemetry-api'
import type { TraceParent } from './trace-parent.ts'

/** What happened, for whoever collects spans. Never a secret, a query, a field or a body. */
export type SpanAttributes = Readonly<Attributes>

/** A piece of work that is told of when it ends. */
export interface Span {
  /** Its place in the trace, for whoever is called; undefined when nobody would know it. */
  readonly place: TraceParent | undefined
  /** @param error a code of ours, when it failed; spans never hold a message */
  end(attributes: SpanAttributes, error?: string): void
}

/** The OpenTelemetry SDK that the operator has loaded before us, seen from here. */
export interface Tracer {
  /** The span, of somebody else's instrumentation, in which this is happening. */
  current(): Span | undefined
  /**
   * Starts a span.
   * @param kind whether it answers somebody or calls somebody
   * @param parent undefined for the first of a trace
   */
  start(kind: 'server' | 'client', name: string, attributes: SpanAttributes, parent: Span | TraceParent | undefined): Span
  /** Waits, within bounds, until what has ended is told. */
  flush(): Promise<void>
}

/** Where an SDK of any 1.x registers itself, whichever copy of the API it has. */
const registry = Symbol.for('opentelemetry.js.api.1')

/** How long collectors may take at the end. */
const flushMs = 2_000

/**
 * Finds the OpenTelemetry SDK that was loaded before (`NODE_OPTIONS=--import ...`). Without one nothing is loaded, and nothing is paid later.
 * The API that we bring is an old one on purpose: it talks to an SDK of its own version or a later one.
 * @param version our own
 */
export async function findTracer(version: string): Promise<Tracer | undefined> {
  const registered = (globalThis as Record<symbol, unknown>)[registry] as { readonly trace?: unknown } | undefined
  if (registered?.trace === undefined) return undefined
  const { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, isSpanContextValid, trace } =
    await import('opentelemetry-api')
  const tracer = trace.getTracer('bearerd', version)
  const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT }

  class StartedSpan implements Span {
    readonly #span: ApiSpan
    readonly context: Context

    constructor(span: ApiSpan) {
      this.#span = span
      this.context = trace.setSpan(ROOT_CONTEXT, span)
    }

    get place(): TraceParent | undefined {
      const place = this.#span.spanContext()
      if (!isSpanContextValid(place)) return undefined
      return { traceId: place.traceId, spanId: place.spanId, flags: place.traceFlags, state: place.traceState?.serialize() }
    }

    end(attributes: SpanAttributes, error?: string): void {
      this.#span.setAttributes(attributes)
      if (error !== undefined) {
        this.#span.setAttribute('error.type', error)
        this.#span.setStatus({ code: SpanStatusCode.ERROR })
      }
      this.#span.end()
    }
  }

  const contextOf = (parent: Span | TraceParent | undefined): Context => {
    if (parent === undefined) return ROOT_CONTEXT
    if (parent instanceof StartedSpan) return parent.context
    const { traceId, spanId, flags, state } = parent as TraceParent
    const traceState = state === undefined ? undefined : createTraceState(state)
    return trace.setSpanContext(ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: flags,
      isRemote: true,
      ...(traceState && { traceState }),
    })
  }
  return {
    current: () => {
      const span = trace.getActiveSpan()
      return span && new StartedSpan(span)
    },
    start: (kind, name, attributes, parent) =>
      new StartedSpan(tracer.startSpan(name, { kind: kinds[kind], attributes }, contextOf(parent))),
    flush: async () => await flushed(trace.getTracerProvider()),
  }
}

/** An SDK has more than the API shows: its provider, perhaps behind another one, can be asked to send what it has. */
async function flushed(provider: object): Promise<void> {
  const { getDelegate } = provider as { readonly getDelegate?: () => object }
  const sdk = (getDelegate?.call(provider) ?? provider) as { readonly forceFlush?: () => Promise<void> }
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, flushMs)
  // What cannot be told is the collector's trouble, and said by the SDK.
  await Promise.race([sdk.forceFlush?.().catch(() => {}), late.promise])
  clearTimeout(timer)
}
