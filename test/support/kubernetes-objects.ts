import { PodMonitor, PrometheusRule, ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { CronJob, Job } from 'kubernetes-models/batch/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Pod, Service, ServiceAccount } from 'kubernetes-models/v1'
import { Namespace, Secret } from 'kubernetes-models/v1'

/** An object of the API of Kubernetes, as it was parsed. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: never
}

const models = [
  ConfigMap,
  CronJob,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  Namespace,
  NetworkPolicy,
  Pod,
  PodDisruptionBudget,
  PodMonitor,
  PrometheusRule,
  Secret,
  Service,
  ServiceAccount,
  ServiceMonitor,
  StatefulSet,
]

/**
 * What the schemas of the API find wrong with an object: `spec.replicas: must be integer`, and every field that they do not know,
 * which a server drops or refuses.
 */
export function schemaProblems(object: KubernetesObject): string[] {
  const name = `${object.kind}/${object.metadata?.name}`
  const model = models.find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind)
  if (model === undefined) return [`${name}: ${object.apiVersion} has no such kind, or these tests do not know it`]
  const { watched, unread } = watchReads(object)
  try {
    model.prototype.validate.call(watched)
  } catch (error) {
    return [`${name}: ${String(error)}`]
  }
  return unread().map((path) => `${name}: there is no field ${path}`)
}

/**
 * The schemas let unknown fields pass, so they are found by what is not looked at: a validator reads every field that it knows, and all of a map.
 */
function watchReads(root: object): { readonly watched: object; unread(): string[] } {
  const readOf = new Map<object, Set<PropertyKey>>()
  const watch = (target: object): object =>
    new Proxy(target, {
      get: (_, key, receiver) => {
        const read = readOf.get(target) ?? new Set()
        readOf.set(target, read.add(key))
        const value: unknown = Reflect.get(target, key, receiver)
        return typeof value === 'object' && value !== null ? watch(value) : value
      },
    })
  const unreadIn = (target: object, at: string): string[] =>
    Object.entries(target).flatMap(([key, value]: [string, unknown]) => {
      const path = Array.isArray(target) ? `${at}[${key}]` : `${at}${at === '' ? '' : '.'}${key}`
      if (readOf.get(target)?.has(key) !== true) return [path]
      return typeof value === 'object' && value !== null ? unreadIn(value, path) : []
    })
  return { watched: watch(root), unread: () => unreadIn(root, '') }
}
