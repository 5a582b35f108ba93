/**
 * The name of a credential: what its path says, else the name of the preset, else that of the provider as far as its host tells.
 * @param endpoint the token endpoint, perhaps with placeholders in it
 */
export function credentialNameFor(path: string | undefined, preset: string | undefined, endpoint: string): string {
  const last = plain(path?.split('/').findLast((segment) => segment !== '') ?? '')
  if (last !== '') return last
  if (preset !== undefined) return preset
  const host = /^[a-z]+:\/\/([^/:]*)/i.exec(endpoint)?.[1] ?? ''
  if (/^[\d.]*$|^\[/.test(host) || /[${}<>]/.test(host)) return 'provider'
  const labels = host.toLowerCase().split('.')
  // example.com, example.co.uk
  const last2 = labels.length > 2 && /^(co|com|net|org|gov|ac|edu)$/.test(labels.at(-2) ?? '') ? 2 : 1
  const own = labels.length > 1 ? labels.slice(0, -last2) : labels
  const name = plain(
    own.findLast(
      (label) => !/^(localhost|www|api|apis|auth|oauth2?|login|accounts?|id|identity|sso|token|your.*)$/.test(label),
    ) ?? '',
  )
  return name === '' ? 'provider' : name
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
}

/** What the variables of a credential begin with. */
export function variablePrefix(name: string): string {
  return name
    .toUpperCase()
    .replace(/\W/g, '_')
    .replace(/^(?=\d)/, '_')
}
