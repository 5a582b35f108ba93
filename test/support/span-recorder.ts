/**
 * Preloaded (`node --import`) by a gateway under test, in place of what an operator preloads: a real OpenTelemetry SDK, which writes each span
 * that has ended to the file named in SPANS, a line each. With CURRENT it plays somebody else's instrumentation of the HTTP server too.
 */
import { appendFileSync } from 'node:fs'
import { Server } from 'node:http'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base'

const file = process.env['SPANS'] ?? ''

const exporter: SpanExporter = {
  export: (spans, done) => {
    for (const span of spans) appendFileSync(file, `${JSON.stringify(recorded(span))}\n`)
    done({ code: 0 })
  },
  shutdown: () => Promise.resolve(),
}

// Batches wait for longer than any test: what is seen has been flushed.
const provider = new BasicTracerProvider({
  spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 600_000 })],
})
trace.setGlobalTracerProvider(provider)
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

if (process.env['CURRENT'] !== undefined) {
  const emit = Server.prototype.emit as (this: Server, event: string | symbol, ...args: readonly unknown[]) => boolean
  Server.prototype.emit = function (this: Server, event: string | symbol, ...args: readonly unknown[]) {
    if (event !== 'request') return emit.call(this, event, ...args)
    const span = trace.getTracer('another instrumentation').startSpan('served')
    const emitted = context.with(trace.setSpan(context.active(), span), () => emit.call(this, event, ...args))
    span.end()
    return emitted
  }
}

function recorded(span: ReadableSpan): object {
  const { name, kind, attributes, status, parentSpanContext, instrumentationScope } = span
  const { traceId, spanId, traceState } = span.spanContext()
  return {
    name,
    kind,
    attributes,
    status,
    scope: instrumentationScope.name,
    traceId,
    spanId,
    parent: parentSpanContext?.spanId ?? null,
    state: traceState?.serialize() ?? null,
  }
}
