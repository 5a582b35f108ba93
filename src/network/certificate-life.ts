import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** How long a chain of certificates is good. */
export interface CertificateLife {
  /** When the first of the chain expires, in milliseconds since the epoch. */
  readonly expiresAtEpochMs: number
  /** Whether that is the server's own one, not one of an authority. */
  readonly isOwn: boolean
}

/** No chain is longer; one that names itself its issuer in a circle would never end. */
const longestChain = 10

/**
 * How long the certificates are good that a server has shown in a handshake that succeeded.
 * @param nowEpochMs milliseconds since the epoch
 * @returns undefined where there is no certificate
 */
export function certificateLife(socket: TLSSocket, nowEpochMs: number): CertificateLife | undefined {
  const own = socket.getPeerX509Certificate()
  if (own === undefined) return undefined
  const life = { expiresAtEpochMs: Date.parse(own.validTo), isOwn: true }
  let first: CertificateLife = life
  for (const certificate of issuersOf(own)) {
    const expiresAtEpochMs = Date.parse(certificate.validTo)
    // One that has expired was not needed: the chain has just been verified without it.
    if (expiresAtEpochMs > nowEpochMs && expiresAtEpochMs < first.expiresAtEpochMs) first = { expiresAtEpochMs, isOwn: false }
  }
  return first
}

function* issuersOf(certificate: X509Certificate): Iterable<X509Certificate> {
  let issuer = certificate.issuerCertificate
  for (let length = 0; issuer !== undefined && length < longestChain; length++) {
    yield issuer
    issuer = issuer.issuerCertificate
  }
}
