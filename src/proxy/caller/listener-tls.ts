import { constants, createPrivateKey, hash, X509Certificate } from 'node:crypto'
import type { Server } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import type { ListenerTls } from '../../config/schema/listener-tls.ts'
import type { Log } from '../../telemetry/log.ts'

/** How often certificates are looked at. Reading beats watching: it misses no symlink swap of a Kubernetes volume. */
const rereadMs = 1_000

/** The options of a TLS listener, from the files as they are now. @throws when they are of no use */
export function tlsOptions(tls: ListenerTls): TlsOptions {
  return {
    ...contextOptions(tls),
    ALPNProtocols: ['http/1.1'],
    // A certificate is asked for where a caller may be known by one, and judged by the caller check: others of the same list prove
    // themselves in other ways.
    ...(tls.client_ca !== undefined && { requestCert: true, rejectUnauthorized: false }),
  }
}

/**
 * Takes changed certificates into use for new connections. What does not fit together (half a rotation, a bad file) is not
 * used, and said once.
 * @returns stops looking
 */
export function keepCertificates(server: Server, tls: ListenerTls, key: string, log: Log): () => void {
  let used = fingerprintOf(tls)
  let refused: string | undefined
  let reported: string | undefined
  warnOfExpiry(tls, key, log)

  const timer = setInterval(() => {
    const found = fingerprintOf(tls)
    if (found === used || found === reported) return
    try {
      const options = contextOptions(tls)
      createSecureContext(options)
      if (!new X509Certificate(tls.cert.reveal()).checkPrivateKey(createPrivateKey(tls.key.reveal())))
        throw new Error('not a pair')
      server.setSecureContext(options)
      used = found
      reported = undefined
      log.info({ key }, 'changed certificates are in use for new connections')
      warnOfExpiry(tls, key, log)
    } catch (error) {
      // One file of a pair is always written before the other; only what stays so is worth a word.
      if (refused !== found) refused = found
      else {
        reported = found
        const code = error instanceof Error && 'code' in error ? error.code : 'mismatch'
        log.error({ key, error: 'unusable_key', code }, 'the changed certificates cannot be used; those before stay in use')
      }
    }
  }, rereadMs).unref()
  return () => clearInterval(timer)
}

function contextOptions({ cert, key, client_ca }: ListenerTls): SecureContextOptions {
  return {
    cert: cert.reveal(),
    key: key.reveal(),
    minVersion: 'TLSv1.2',
    // A resumed session proves what was so when it began; with certificates that prove callers every connection begins anew.
    ...(client_ca !== undefined && { ca: client_ca.reveal(), secureOptions: constants.SSL_OP_NO_TICKET }),
  }
}

function fingerprintOf({ cert, key, client_ca }: ListenerTls): string {
  return hash('sha256', JSON.stringify([cert.reveal(), key.reveal(), client_ca?.reveal()]))
}

/** Callers that check would refuse it; whoever reads the log knows before they call. */
function warnOfExpiry({ cert }: ListenerTls, key: string, log: Log): void {
  const { validToDate } = new X509Certificate(cert.reveal())
  if (validToDate.getTime() < Date.now())
    log.warn({ key, expired: validToDate.toISOString() }, 'the certificate of the listener has expired')
}
