import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** How long a chain of certificates is good. */
export interface CertificateLife {
  /** When the first of the chain expires, in milliseconds since the epoch. */
  readonly expiresAtEpochMs: number
  /** Whether that is the server's own one, not one of an authority. */
  readonly isOwn: boolean
}

/** No chain is longer; the one of a root names itself its issuer. */
const longestChain = 10

/**
 * How long the certificates are good that a server is trusted by, in a handshake that succeeded: its own ones, and that of the
 * authority that is trusted here.
 * @param nowEpochMs milliseconds since the epoch
 * @returns undefined where there is no certificate
 */
export function certificateLife(socket: TLSSocket, nowEpochMs: number): CertificateLife | undefined {
  const [own, ...issuers] = chainOf(socket.getPeerCertificate(true))
  if (own === undefined) return undefined
  let first: CertificateLife = { expiresAtEpochMs: Date.parse(own.valid_to), isOwn: true }
  for (const { valid_to } of issuers) {
    const expiresAtEpochMs = Date.parse(valid_to)
    // One that has expired was not needed: the chain has just been verified without it.
    if (expiresAtEpochMs > nowEpochMs && expiresAtEpochMs < first.expiresAtEpochMs) first = { expiresAtEpochMs, isOwn: false }
  }
  return first
}

/** The platform gives an empty object where there is no certificate. */
function chainOf(own: Partial<DetailedPeerCertificate>): readonly Pick<DetailedPeerCertificate, 'valid_to'>[] {
  const chain: Pick<DetailedPeerCertificate, 'valid_to'>[] = []
  let next: Partial<DetailedPeerCertificate> | undefined = own
  while (next?.valid_to !== undefined && chain.length < longestChain) {
    chain.push({ valid_to: next.valid_to })
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate
  }
  return chain
}
