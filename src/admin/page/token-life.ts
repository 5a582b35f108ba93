import type { CredentialStatus } from '../credential-status.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'
import { ago, ahead, clockTime } from './words.ts'

const width = 1000

/** The life of a token as a bar, from its issue to its expiry, with the time of its renewal and now; and the same in words. */
export function tokenLife({ issued, renews, expires }: CredentialStatus, nowMs: number): Markup | undefined {
  if (issued === null || renews === null || expires === null) return undefined
  const startMs = Date.parse(issued)
  const lifeMs = Math.max(Date.parse(expires) - startMs, 1)
  const at = (ms: number): number => Math.round(Math.min(Math.max((ms - startMs) / lifeMs, 0), 1) * width)
  const nowAt = at(nowMs)
  const renewsAt = at(Date.parse(renews))
  const isExpired = nowMs >= Date.parse(expires)
  const words = `${Math.floor((nowAt * 100) / width)} percent of the token's life is over`
  return markup`<svg class="life${isExpired ? ' over' : ''}" viewBox="0 0 ${width} 10" preserveAspectRatio="none" role="img" aria-label="${words}">
<rect class="rest" width="${width}" height="10"/><rect class="due" x="${renewsAt}" width="${width - renewsAt}" height="10"/>
<rect class="past" width="${nowAt}" height="10"/><rect class="mark" x="${renewsAt - 2}" width="4" height="10"/></svg>
<dl class="moments"><div><dt>Issued</dt><dd>${clockTime(issued, nowMs)} <small>${ago(issued, nowMs)}</small></dd></div>
<div><dt>Renews</dt><dd>${clockTime(renews, nowMs)} <small>${isExpired ? 'when it is used' : nowMs >= Date.parse(renews) ? 'at its next use' : ahead(renews, nowMs)}</small></dd></div>
<div><dt>Expires</dt><dd>${clockTime(expires, nowMs)} <small>${isExpired ? ago(expires, nowMs) : ahead(expires, nowMs)}</small></dd></div></dl>`
}
