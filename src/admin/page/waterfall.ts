import type { RequestStatus } from '../request-status.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'
import { milliseconds } from './words.ts'

const width = 200

interface Step {
  /** The class that gives it its colour. */
  readonly name: 'token' | 'before' | 'upstream' | 'refused' | 'rest'
  readonly fromMs: number
  readonly toMs: number
}

/** Where the time of a request went: before it was sent, for a token, at the upstream, for the rest of its answer. */
export function waterfall(request: RequestStatus): Markup {
  const steps = stepsOf(request)
  const scale = width / Math.max(request.duration_ms, 0.1)
  const bars = steps.map(({ name, fromMs, toMs }) => {
    const x = Math.min(Math.round(fromMs * scale), width - 1)
    return markup`<rect class="${name}" x="${x}" width="${Math.max(Math.min(Math.round(toMs * scale), width) - x, 1)}" height="6"/>`
  })
  return markup`<svg class="waterfall" viewBox="0 0 ${width} 6" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>`
}

function stepsOf({ duration_ms: endMs, token, sent_after_ms, upstream_ms, first_attempt }: RequestStatus): Step[] {
  if (sent_after_ms === null || upstream_ms === null)
    return [{ name: token === 'wait' ? 'token' : 'before', fromMs: 0, toMs: endMs }]
  const firstMs = first_attempt?.sent_after_ms ?? sent_after_ms
  const headMs = sent_after_ms + upstream_ms
  const refusedMs = firstMs + (first_attempt?.upstream_ms ?? 0)
  const steps: Step[] = [
    { name: token === 'wait' ? 'token' : 'before', fromMs: 0, toMs: firstMs },
    { name: 'refused', fromMs: firstMs, toMs: refusedMs },
    { name: 'token', fromMs: refusedMs, toMs: sent_after_ms },
    { name: 'upstream', fromMs: sent_after_ms, toMs: headMs },
    { name: 'rest', fromMs: headMs, toMs: endMs },
  ]
  return steps.filter(({ fromMs, toMs }) => toMs > fromMs)
}

/** The same in words, one sentence for each step that there was. */
export function wayWords(request: RequestStatus): string[] {
  const { token, sent_after_ms, upstream_ms, upstream_status, first_attempt, replay } = request
  const before = first_attempt?.sent_after_ms ?? sent_after_ms
  const words: string[] = []
  if (token === 'wait') words.push(before === null ? 'waited for a token' : `waited ${milliseconds(before)} for a token`)
  else words.push(token === 'hit' ? 'token was there' : sent_after_ms === null ? 'not sent' : 'needs no token')
  if (first_attempt !== null) {
    words.push(`upstream refused it with ${first_attempt.status} after ${milliseconds(first_attempt.upstream_ms)}`)
    const tokenMs = (sent_after_ms ?? 0) - first_attempt.sent_after_ms - first_attempt.upstream_ms
    words.push(`other token after ${milliseconds(Math.max(tokenMs, 0))}`)
  }
  if (upstream_status !== null)
    words.push(`upstream ${upstream_status}${upstream_ms === null ? '' : ` after ${milliseconds(upstream_ms)}`}`)
  if (replay !== null) words.push(replayWords[replay] ?? replay)
  return words
}

const replayWords: Readonly<Record<string, string>> = {
  accepted: 'replayed',
  refused: 'replayed, and refused again',
  failed: 'replayed, and the connection failed',
  no_new_token: 'not replayed: no new token',
  body_too_large: 'not replayed: the body is too large',
  body_incomplete: 'not replayed: the body did not come to its end',
  off: 'not replayed: it is off for this route',
}
