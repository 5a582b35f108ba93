import { markup } from './markup.ts'
import type { Markup } from './markup.ts'

/** A stretch of time. @param seconds not negative */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  if (seconds < 7_200 && seconds !== 3_600) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** A stretch of time in which requests are answered. */
export function milliseconds(ms: number): string {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`
}

/** A stretch of time in steps: what changes with every look cannot be read in peace. */
export function roughly(seconds: number): string {
  if (seconds < 60) return 'less than a minute'
  return seconds < 120 ? '1 min' : duration(seconds)
}

/** How long ago a moment was. */
export function ago(moment: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(moment)) / 1000
  return seconds < 10 ? 'just now' : `${roughly(seconds)} ago`
}

/** How far ahead a moment is. */
export function ahead(moment: string, nowMs: number): string {
  const seconds = (Date.parse(moment) - nowMs) / 1000
  return seconds <= 0 ? 'now' : `in ${roughly(seconds)}`
}

/** A moment as the clock shows it, in UTC; with the date where it is not that of today. */
export function clockTime(moment: string, nowMs: number): Markup {
  const isToday = moment.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10)
  return markup`<time datetime="${moment}">${isToday ? '' : `${moment.slice(0, 10)} `}${moment.slice(11, 19)}</time>`
}

/** A number with its thousands apart. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A number of things. @param many where an s does not do */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${grouped(number)} ${number === 1 ? one : many}`
}

/** What came of something. The word says it; the colour only helps. */
export type Tone = 'good' | 'warn' | 'bad' | 'calm'

/** A word that stands out. */
export function badge(tone: Tone, word: string): Markup {
  return markup`<span class="badge ${tone}">${word}</span>`
}
