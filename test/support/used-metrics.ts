import { rejectionOutcomes } from '../../src/telemetry/credential-metrics.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { replayOutcomes } from '../../src/telemetry/route-metrics.ts'

/** Metrics in which every family has a series, with every outcome that there is. */
export function usedMetrics(route = '/api', credential = 'main'): Metrics {
  const metrics = new Metrics('1.2.3')
  const ofRoute = metrics.forRoute(route)
  ofRoute.countRequest('GET', 200)
  for (const seconds of [0, 0.005, 0.0051, 0.3, 61]) ofRoute.duration.observe(seconds)
  ofRoute.upstreamDuration.observe(0.1)
  for (const outcome of replayOutcomes) ofRoute.countReplay(outcome)
  const ofCredential = metrics.forCredential(credential)
  ofCredential.countTokenRequest('success')
  ofCredential.tokenRequestDuration.observe(0.2)
  ofCredential.lookups.hit.value++
  for (const outcome of rejectionOutcomes) ofCredential.countRejection(outcome)
  ofCredential.expiry.value = 1_800_000_000.5
  ofCredential.showBudget(() => 7, 10)
  const ofService = metrics.forTokenService('authorize', credential)
  ofService.countRequest('GET', 200)
  ofService.duration.observe(0.001)
  metrics.setStoreUp('memory', true)
  metrics.recordReload(true, 1_700_000_000_000)
  metrics.showMemoryLimit(256 * 1_048_576)
  return metrics
}
