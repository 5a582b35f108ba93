import { collectDefaultMetrics, Registry } from '@prometheus-io/client'
import type { Metric, RegistryContentType } from '@prometheus-io/client'
import type { Instrument } from './instruments.ts'
import type { Metrics } from './metrics.ts'

/** A scrape's answer. */
export interface Exposition {
  readonly contentType: string
  readonly body: string
}

/** Writes the metrics out in the format that an Accept field asks for. */
export type Expose = (accept: string | undefined) => Promise<Exposition>

/**
 * Writes the metrics out, with the client library's process and runtime metrics.
 *
 * One registry per format, each made at its first scrape: the library renames counters in place for OpenMetrics (whose
 * families have no `_total`), so a registry that serves both would serve wrong names after the first change of format.
 */
export function createExposition(metrics: Pick<Metrics, 'instruments'>): Expose {
  const registries = new Map<RegistryContentType, Registry>()
  return async (accept) => {
    const isOpenMetrics = accept !== undefined && /application\/openmetrics-text/i.test(accept)
    const format = isOpenMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE
    let registry = registries.get(format)
    if (registry === undefined) {
      registry = registryOf(metrics, format)
      registries.set(format, registry)
    }
    return { contentType: registry.contentType, body: await registry.metrics() }
  }
}

function registryOf(metrics: Pick<Metrics, 'instruments'>, format: RegistryContentType): Registry {
  const registry = new Registry(format)
  for (const instrument of metrics.instruments) {
    registry.registerMetric(exported(instrument, format === Registry.OPENMETRICS_CONTENT_TYPE) as unknown as Metric<string>)
  }
  collectDefaultMetrics({ register: registry })
  return registry
}

/** An instrument as the library wants to see a metric: `name`, and `get()` with everything. */
function exported(instrument: Instrument, isOpenMetrics: boolean) {
  const withoutTotal = (name: string): string =>
    isOpenMetrics && instrument.type === 'counter' ? name.replace(/_total$/, '') : name
  return {
    name: withoutTotal(instrument.name),
    get: async () => ({
      name: withoutTotal(instrument.name),
      help: instrument.help,
      type: instrument.type,
      values: instrument.samples().map((sample) => ({ ...sample, metricName: withoutTotal(sample.metricName) })),
    }),
  }
}
