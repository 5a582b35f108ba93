import { commonMethods, missWords } from '../../proxy/explanation-facts.ts'
import type { ExplanationFacts } from '../../proxy/explanation-facts.ts'
import { credentialId } from './credential-card.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'

/** Where somebody asks what would become of a request. */
export function explainForm({ method, target }: { readonly method: string; readonly target: string }): Markup {
  const options = commonMethods.map((name) => markup`<option${name === method ? markup` selected` : undefined}>${name}</option>`)
  return markup`<form class="explain" action="/explain" id="explain-form"><label>Method <select name="method">${options}</select></label>
<label class="grow">Path <input name="path" required value="${target}" placeholder="/gett/v1/orders?limit=5" autocomplete="off" autocapitalize="off" spellcheck="false"></label><button>Explain</button></form>`
}

/** What would become of a request, in words. Nothing was sent. */
export function explanation(facts: ExplanationFacts | string): Markup {
  if (typeof facts === 'string')
    return markup`<h2 id="explanation-title" tabindex="-1">There is no such request</h2><p>${facts}</p>`
  const { method, target, route, url, set, removed, callers, error, other_routes } = facts
  const nearMisses = other_routes.filter(({ why }) => why === 'later')
  return markup`<h2 id="explanation-title" tabindex="-1"><code>${method} ${target}</code></h2>
<p class="verdict">${verdict(facts)}</p>
<dl class="explained">
${error === null ? undefined : markup`<div><dt>Error</dt><dd><code>${error.code}</code> ${error.detail}</dd></div>`}
${route === null ? undefined : markup`<div><dt>Route</dt><dd><code>${route}</code></dd></div>`}
${nearMisses.map(({ route: other, why }) => markup`<div><dt>Not</dt><dd><code>${other}</code>: ${missWords[why]}</dd></div>`)}
${url === null ? undefined : markup`<div><dt>Upstream</dt><dd><code>${url}</code></dd></div><div><dt>Token</dt><dd>${tokenWords(facts)}</dd></div>`}
${set.length === 0 ? undefined : markup`<div><dt>Sets</dt><dd>${set.map(({ name, value }) => markup`<code>${name}: ${value}</code><br>`)}</dd></div>`}
${removed.length === 0 ? undefined : markup`<div><dt>Removes</dt><dd>${removed.join(', ')}</dd></div>`}
${url === null ? undefined : markup`<div><dt>Callers</dt><dd>${callers?.join(', ') ?? 'anyone'}</dd></div>`}
</dl>
<p class="quiet">Nothing was sent, and no token was asked for. What is secret is shown as ***.</p>`
}

function verdict({ error, answered_here }: ExplanationFacts): string {
  if (error !== null) return `The gateway would refuse it with ${error.status}.`
  return answered_here
    ? 'The gateway would answer it itself, with 204; nothing would be forwarded.'
    : 'The gateway would forward it.'
}

function tokenWords({ credential, token_endpoint, identity_fields }: ExplanationFacts): Markup {
  if (credential === null) return markup`none: the route has no credential`
  const source = token_endpoint === null ? 'signed here' : `from ${token_endpoint}`
  const whose = identity_fields.length === 0 ? '' : `, one for each value of ${identity_fields.join(', ')} in the request`
  return markup`of <a href="/#${credentialId(credential)}">${credential}</a>, ${source}${whose}`
}
