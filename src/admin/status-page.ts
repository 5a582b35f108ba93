import type { CredentialStatus, RequestStatus, Status } from './status.ts'

/** The page's own styles and nothing else: no script, no image, no frame. */
export const contentSecurityPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/** Renders the status page. Everything that comes from configuration or callers is escaped. */
export function renderStatusPage(status: Status): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>bearerd: ${status.ready ? 'ready' : 'not ready'}</title>
<style>${styles}</style>
</head>
<body>
<header><h1>bearerd</h1><p>${status.ready ? 'Ready' : '<strong class="bad">Not ready</strong>'}, version ${escape(status.version)}, up for ${duration(status.uptime_seconds)}.
<a href="/status">JSON</a> <a href="/metrics">metrics</a></p></header>
<main>
${configurationNotice(status.configuration)}<section aria-labelledby="credentials"><h2 id="credentials">Credentials</h2>
${table(['Name', 'Token', 'Issued', 'Renews', 'Expires', 'State', 'Last error', ''], status.credentials.map(credentialRow), 'There are none.')}</section>
<section aria-labelledby="routes"><h2 id="routes">Routes</h2>
${table(
  ['Path', 'Upstream', 'Credential'],
  status.routes.map(({ path, upstream, credential }) => [code(path), code(upstream), escape(credential ?? 'none')]),
  'There are none.',
)}</section>
<section aria-labelledby="requests"><h2 id="requests">Last requests</h2>
${table(['Time', 'Request', 'Status', 'Took', 'Token', 'Replay', 'Upstream', 'Error'], status.recent_requests.slice(0, 50).map(requestRow), 'No request yet. Call a route and look again.')}</section>
</main>
</body>
</html>
`
}

/** Only when there is something to be done about it. */
function configurationNotice({ file, read, in_use, problems }: Status['configuration']): string {
  if (in_use) return ''
  return `<section aria-labelledby="configuration"><h2 id="configuration" class="bad">The configuration has problems</h2>
<p>${code(file)} was read at ${time(read)} and is not used; the one before stays.</p>
<ul>${problems.map((problem) => `<li>${escape(problem)}</li>`).join('')}</ul></section>
`
}

function credentialRow(credential: CredentialStatus): string[] {
  const { name, issued, renews, expires, identities, last_error: error } = credential
  return [
    `<strong>${escape(name)}</strong>${credential.provider === null ? '' : ` <small>${escape(credential.provider)}</small>`}`,
    tokenInWords(credential),
    time(issued),
    time(renews),
    time(expires),
    stateInWords(credential),
    error === null ? '' : `<span class="bad">${escape(error.message)}</span> <small>${time(error.at)}</small>`,
    identities === null
      ? `<form method="post" action="/credentials/${encodeURIComponent(name)}/renew"><button>Renew now</button></form>`
      : '',
  ]
}

function tokenInWords({ fingerprint, identities }: CredentialStatus): string {
  if (identities !== null) return `${identities.tokens} held, one per ${identities.fields.map(code).join(' and ')}`
  return fingerprint === null ? '' : code(fingerprint)
}

function stateInWords(credential: CredentialStatus): string {
  const states = { none: 'no token yet', fresh: 'fresh', stale: 'to be renewed', expired: 'expired' }
  const words = [credential.identities === null ? states[credential.state] : 'a token per identity']
  if (credential.renewing) words.push('token request under way')
  if (credential.callers_waiting > 0) words.push(`${credential.callers_waiting} callers waiting`)
  if (credential.back_off_seconds > 0) words.push(`next attempt in ${duration(credential.back_off_seconds)}`)
  if (credential.cool_down_seconds > 0) words.push(`refusals pass through for ${duration(credential.cool_down_seconds)}`)
  if (credential.budget_remaining !== null) words.push(`${credential.budget_remaining} token requests left`)
  return words.map(escape).join('<br>')
}

function requestRow(request: RequestStatus): string[] {
  const isBad = request.status >= 400
  return [
    time(request.at),
    code(`${request.method} ${request.path}`) + (request.caller === null ? '' : ` <small>by ${escape(request.caller)}</small>`),
    `<span class="${isBad ? 'bad' : 'good'}">${request.status}</span>`,
    `${request.duration_ms} ms`,
    request.token,
    escape(request.replay ?? ''),
    request.upstream_status === null ? '' : `${request.upstream_status} in ${request.upstream_ms ?? '?'} ms`,
    escape(request.error ?? ''),
  ]
}

function table(heads: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return `<p>${empty}</p>`
  const head = heads.map((name) => `<th scope="col">${name}</th>`).join('')
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`
}

function time(moment: string | null): string {
  if (moment === null) return ''
  return `<time datetime="${moment}">${moment.slice(0, 10) === new Date().toISOString().slice(0, 10) ? '' : `${moment.slice(0, 10)} `}${moment.slice(11, 19)}Z</time>`
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}

function code(text: string): string {
  return `<code>${escape(text)}</code>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

const styles = `
:root { color-scheme: light dark; --line: #d4d4d8; --bad: #b00020; --good: #116329; --soft: #71717a }
@media (prefers-color-scheme: dark) { :root { --line: #3f3f46; --bad: #ff8a8a; --good: #7ee2a0; --soft: #a1a1aa } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 1rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
header p { margin: 0; color: var(--soft) } header a { margin-left: .5rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 600; color: var(--soft) } td:nth-child(7) { white-space: normal }
code { font: 13px/1.4 ui-monospace, monospace } small { color: var(--soft) }
.bad { color: var(--bad) } .good { color: var(--good) } button { font: inherit } form { margin: 0 }
`
