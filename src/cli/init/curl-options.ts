import { nearest } from '../../config/problem.ts'
import { UsageError } from '../command.ts'

/** What an option of curl means for a token request. */
export type CurlMeaning =
  | 'method'
  | 'header'
  | 'data'
  | 'data-raw'
  | 'data-urlencode'
  | 'form'
  | 'form-string'
  | 'json'
  | 'user'
  | 'bearer'
  | 'get'
  | 'url'
  | 'url-query'
  | 'proxy'
  | 'cert'
  | 'key'
  | 'cacert'
  | 'max-time'
  /** About the output, the terminal or the connection: nothing of it is a part of the request that bearerd has a say in. */
  | 'ignored'

/** An option as it was given; without a value for a switch. */
export interface CurlOption {
  readonly meaning: CurlMeaning
  readonly value: string
}

const withValue: Readonly<Record<Exclude<CurlMeaning, 'get'>, string>> = {
  method: '-X --request',
  header: '-H --header',
  data: '-d --data --data-ascii --data-binary',
  'data-raw': '--data-raw',
  'data-urlencode': '--data-urlencode',
  form: '-F --form',
  'form-string': '--form-string',
  json: '--json',
  user: '-u --user',
  bearer: '--oauth2-bearer',
  url: '--url',
  'url-query': '--url-query',
  proxy: '-x --proxy',
  cert: '-E --cert',
  key: '--key',
  cacert: '--cacert',
  'max-time': '-m --max-time',
  ignored:
    '-A --user-agent -b --cookie -c --cookie-jar -D --dump-header -e --referer -o --output -w --write-out -r --range -y --speed-time -Y --speed-limit ' +
    '--ciphers --connect-timeout --keepalive-time --limit-rate --max-redirs --noproxy --retry --retry-delay --retry-max-time --stderr --tls-max ' +
    '--trace --trace-ascii --output-dir --interface --dns-servers --proto --proto-redir --cert-type --key-type',
}

const withoutValue: Readonly<Record<'get' | 'ignored', string>> = {
  get: '-G --get',
  ignored:
    '-s --silent -S --show-error -v --verbose -i --include -L --location -f --fail --fail-with-body -g --globoff -N --no-buffer -# --progress-bar ' +
    '-j --junk-session-cookies -O --remote-name -J --remote-header-name -R --remote-time -4 --ipv4 -6 --ipv6 -0 --http1.0 --http1.1 --http2 ' +
    '--http2-prior-knowledge --http3 -1 --tlsv1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 --basic --compressed --create-dirs --no-keepalive ' +
    '--no-progress-meter --no-sessionid --no-alpn --path-as-is --post301 --post302 --post303 --raw --retry-all-errors --retry-connrefused ' +
    '--ssl-reqd --styled-output --tcp-fastopen --tcp-nodelay --tr-encoding --location-trusted -q --disable --no-location --no-compressed',
}

const refusals: Readonly<Record<string, string>> = {
  '-k --insecure':
    'TLS is always verified; leave it out, and give the authority of the server with --cacert FILE if it is not a public one',
  '--proxy-insecure': 'TLS is always verified; leave it out',
  '-I --head': 'a HEAD has no answer that a token could be in; leave it out',
  '-T --upload-file': 'it sends a file; write the body with --data-raw',
  '-K --config': 'it reads options from a file; write them out',
  '-n --netrc': 'it reads credentials from a file; write -u ID:SECRET',
  '--netrc-file': 'it reads credentials from a file; write -u ID:SECRET',
  '--netrc-optional': 'it reads credentials from a file; write -u ID:SECRET',
  '-: --next': 'there is more than one call; give only the one that asks for a token',
  '--digest --ntlm --negotiate --anyauth --aws-sigv4': 'bearerd cannot prove itself that way',
  '--pass': 'bearerd reads private keys without a passphrase only; remove the passphrase of the key',
  '-U --proxy-user': 'the credentials of a proxy belong into HTTPS_PROXY, in the environment of bearerd; leave it out',
  '--unix-socket --abstract-unix-socket --resolve --connect-to': 'bearerd connects to the host that the URL names; leave it out',
}

const known: ReadonlyMap<string, { readonly meaning: CurlMeaning; readonly takesValue: boolean }> = new Map([
  ...entriesOf(withValue, true),
  ...entriesOf(withoutValue, false),
])

const refused: ReadonlyMap<string, string> = new Map(
  Object.entries(refusals).flatMap(([spellings, reason]) => spellings.split(' ').map((spelling) => [spelling, reason] as const)),
)

function entriesOf(table: Readonly<Partial<Record<CurlMeaning, string>>>, takesValue: boolean) {
  return Object.entries(table).flatMap(([meaning, spellings]) =>
    spellings.split(' ').map((spelling) => [spelling, { meaning: meaning as CurlMeaning, takesValue }] as const),
  )
}

/**
 * Reads the words of a curl command, without `curl` itself: options in every spelling that curl takes, and `--option=value`.
 * @returns the options in their order; an address is the option `url`
 * @throws UsageError for an option that is unknown or cannot be followed; names it, without its value
 */
export function curlOptions(words: readonly string[]): CurlOption[] {
  const found: CurlOption[] = []
  const left = [...words]
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--') found.push(...left.splice(0).map((value): CurlOption => ({ meaning: 'url', value })))
    else if (word.startsWith('--')) {
      const [, name = word, joined] = /^(--[^=]+)=([^]*)$/.exec(word) ?? []
      const { meaning, takesValue } = optionNamed(name)
      if (!takesValue && joined !== undefined) throw new UsageError(`curl's ${name} takes no value`)
      found.push({ meaning, value: takesValue ? (joined ?? valueFor(name, left)) : '' })
    } else if (/^-./.test(word)) found.push(...shortOptions(word, left))
    else found.push({ meaning: 'url', value: word })
  }
  return found
}

/** Several switches may stand in one word, and the last of them may have its value behind it: `-sSXPOST`. */
function shortOptions(word: string, left: string[]): CurlOption[] {
  const found: CurlOption[] = []
  for (let at = 1; at < word.length; at++) {
    const name = `-${word.charAt(at)}`
    const { meaning, takesValue } = optionNamed(name)
    if (!takesValue) found.push({ meaning, value: '' })
    else {
      const joined = word.slice(at + 1)
      found.push({ meaning, value: joined === '' ? valueFor(name, left) : joined })
      break
    }
  }
  return found
}

function optionNamed(name: string): { readonly meaning: CurlMeaning; readonly takesValue: boolean } {
  const reason = refused.get(name)
  if (reason !== undefined) throw new UsageError(`curl's ${name} cannot be followed: ${reason}`)
  const option = known.get(name)
  if (option !== undefined) return option
  const meant = name.startsWith('--') ? nearest(name, [...known.keys()]) : undefined
  // What stands behind a hyphen that belongs to no option may be anything, a part of a secret too.
  const shown = /^-[A-Za-z0-9:#]$|^--[a-z][a-z0-9.-]{0,40}$/.test(name) ? name : name.slice(0, 2)
  throw new UsageError(
    `the option ${shown} of curl is not known here; ${meant === undefined ? 'leave it out' : `did you mean ${meant}?`}`,
  )
}

function valueFor(name: string, left: string[]): string {
  const value = left.shift()
  if (value === undefined) throw new UsageError(`curl's ${name} has no value; see that the call was copied whole`)
  return value
}
