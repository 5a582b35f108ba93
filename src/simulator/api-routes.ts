import type { Answer } from './answer.ts'
import { withFields } from './answer.ts'
import type { ApiCall, ApiRoute, ProviderRules } from './provider-rules.ts'
import { isJsonObject, parseJson } from './received-body.ts'

/** Answers a call from the routes of its provider: 404 without a route, 405 for another method, 403 without the scope. */
export function answerFromRoutes(rules: ProviderRules, call: ApiCall): Answer {
  const atPath = rules.routes.filter((route) => segmentsOf(route, call.path) !== undefined)
  if (atPath.length === 0) return rules.refuseCall(404)
  const route = atPath.find(({ method }) => method === call.method)
  if (route === undefined) return withFields(rules.refuseCall(405), { Allow: atPath.map(({ method }) => method).join(', ') })
  if (route.scope !== undefined && !call.token.scope.split(' ').includes(route.scope)) {
    return rules.refuseCall(403, `Required scope "${route.scope}" not found in token`)
  }
  // So that "not found" can be tried with any documented call, without the simulator keeping a data base.
  if (segmentsOf(route, call.path)?.some((segment) => segment.startsWith('missing'))) return rules.refuseCall(404)
  return route.answer(call)
}

/** The last segment of the path: the id of most calls. */
export function lastSegment(call: ApiCall): string {
  return call.path.slice(call.path.lastIndexOf('/') + 1)
}

/** The segment of the path after the one named `after`; empty when there is none. */
export function segmentAfter(call: ApiCall, after: string): string {
  const segments = call.path.split('/')
  return segments[segments.indexOf(after) + 1] ?? ''
}

/**
 * What is wrong with a JSON body that must have these members; undefined when nothing is. A body too long to be kept is
 * not examined: large bodies are there to be forwarded, not to be understood.
 */
export function bodyProblem(call: ApiCall, members: readonly string[]): string | undefined {
  if (call.body.content === undefined) return undefined
  const json = parseJson(call.body.content)
  if (!isJsonObject(json)) return 'the body must be a JSON object'
  const missing = members.filter((member) => json[member] === undefined || json[member] === null)
  return missing.length === 0 ? undefined : `the body lacks ${missing.join(', ')}`
}

/** A member of the JSON body; undefined when the body is no JSON object, was too long to keep, or lacks it. */
export function bodyMember(call: ApiCall, member: string): unknown {
  const json = call.body.content === undefined ? undefined : parseJson(call.body.content)
  return isJsonObject(json) ? json[member] : undefined
}

// The segments that stand for {name}, or undefined when the path is another one.
function segmentsOf(route: ApiRoute, path: string): string[] | undefined {
  const wanted = route.path.split('/')
  const given = path.split('/')
  const isSame =
    wanted.length === given.length &&
    wanted.every((segment, index) => (isVariable(segment) ? given[index] !== '' : segment === given[index]))
  return isSame ? given.filter((_segment, index) => isVariable(wanted[index] ?? '')) : undefined
}

function isVariable(segment: string): boolean {
  return segment.startsWith('{')
}
