import type { TokenRequestPurpose } from '../../tokens/token-budget.ts'
import type { CredentialStatus } from '../credential-status.ts'
import { credentialState } from './credential-state.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'
import { tokenLife } from './token-life.ts'
import { ago, badge, clockTime, milliseconds } from './words.ts'

/** One credential: its state, the life of its token, what happened last, and the button that renews it. */
export function credentialCard(credential: CredentialStatus, nowMs: number): Markup {
  const { name, provider, fingerprint, token_endpoint, identities, last_error: error, history } = credential
  const { tone, word, sentences } = credentialState(credential)
  return markup`<li class="card" id="${credentialId(name)}" data-key="${name}">
<div class="card-head"><h3>${name}</h3>${badge(tone, word)}</div>
<p class="facts">${provider === null ? undefined : markup`<span>preset ${provider}</span> `}<span>${token_endpoint ?? 'tokens are signed here'}</span>${fingerprint === null ? undefined : markup` <span>token <code>${fingerprint}</code></span>`}</p>
${tokenLife(credential, nowMs)}
${error === null ? undefined : markup`<p class="trouble"><strong>${error.code}</strong> ${error.message} <small>${clockTime(error.at, nowMs)}</small></p>`}
${sentences.length === 0 ? undefined : markup`<p>${sentences.join(' ')}</p>`}
${history.length === 0 ? undefined : markup`<details data-key="history"><summary>What happened last: ${eventWords(history[0], nowMs)}</summary><ol>${history.map((event) => markup`<li>${eventWords(event, nowMs)}${event.message === null ? undefined : markup` <small>${event.message}</small>`}</li>`)}</ol></details>`}
${identities === null ? renewal(name) : undefined}
</li>`
}

/** Where a credential is on the page. */
export function credentialId(name: string): string {
  return `credential-${encodeURIComponent(name)}`
}

function renewal(name: string): Markup {
  return markup`<form class="act" data-key="renew" method="post" action="/credentials/${encodeURIComponent(name)}/renew" data-act="renew" data-busy="Asking for a new token" data-done="Renewed">
<button aria-label="Renew ${name} now">Renew now</button><p class="outcome" data-keep></p></form>`
}

type Event = CredentialStatus['history'][number]

function eventWords(event: Event | undefined, nowMs: number): string {
  if (event === undefined) return ''
  const { event: type, at, purpose, route, took_ms, count, code } = event
  const cause = purpose === null ? '' : ` ${purposeWords(purpose, route)}`
  const took = took_ms === null ? '' : `, took ${milliseconds(took_ms)}`
  if (type === 'taken_over') return `taken over from another replica ${ago(at, nowMs)}${cause}`
  if (type === 'obtained') return `${purpose === 'callers' ? 'obtained' : 'renewed'} ${ago(at, nowMs)}${cause}${took}`
  const times = count === 1 ? '' : ` ${count} times, the last time`
  return `failed${times} ${ago(at, nowMs)}${cause} (${code ?? 'no reason known'})${took}`
}

function purposeWords(purpose: TokenRequestPurpose, route: string | null): string {
  const words = {
    callers: 'when a caller needed it',
    renewal: 'ahead of its expiry',
    operator: 'by hand',
    rejection: `after a refusal${route === null ? '' : ` on ${route}`}`,
  }
  return words[purpose]
}
