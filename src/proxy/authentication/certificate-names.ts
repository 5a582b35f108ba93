import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * The names that the other side of a connection has proved by its certificate: common name, and the subject alternative names
 * that are DNS names, URIs (SPIFFE) or e-mail addresses.
 * @returns none without a certificate that an authority of `client_ca` vouches for
 */
export function certificateNames(socket: Socket): ReadonlySet<string> {
  if (!(socket instanceof TLSSocket)) return none
  // `authorized` alone is not enough: the platform also says so of a resumed session that never had a certificate.
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (certificate === undefined) return none
  const { CN: commonName } = certificate.toLegacyObject().subject as { readonly CN?: string | string[] }
  const names = alternativeNames(certificate.subjectAltName ?? '')
  // Of two, nobody could say which is meant.
  if (typeof commonName === 'string') names.add(commonName)
  return names
}

const none: ReadonlySet<string> = new Set()

/**
 * Reads `DNS:a, URI:"b, c"`, where the platform puts into quotes what could be taken for more than one name
 * (CVE-2021-44532).
 */
function alternativeNames(text: string): Set<string> {
  const names = new Set<string>()
  for (const [, type = '', quoted, plain = ''] of text.matchAll(/(?:^|, )([^:,"]+):(?:("(?:[^"\\]|\\.)*")|([^,"]*))/g)) {
    if (type === 'DNS' || type === 'URI' || type === 'email') names.add(quoted === undefined ? plain : String(JSON.parse(quoted)))
  }
  return names
}
