import { footprint } from './footprint.ts'
import { latencyWorkloads } from './latency.ts'
import { requestWorkloads } from './requests.ts'
import { tokenPath } from './token-path.ts'
import type { Workload } from './workload.ts'

/** In the order of the report. */
export const workloads: readonly Workload[] = [...requestWorkloads, ...latencyWorkloads, footprint, tokenPath]
