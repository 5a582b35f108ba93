import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Report } from './report.ts'
import type { Secret } from './secret.ts'

/** What connections are made with, in PEM. */
interface TlsParts {
  readonly ca?: Secret | undefined
  /** Who may have issued the certificates of callers. */
  readonly client_ca?: Secret | undefined
  readonly cert?: Secret | undefined
  readonly key?: Secret | undefined
}

/**
 * Checks what is said about TLS to somebody: whether the files hold what they should, and belong together.
 * @param isCertChecked whether a missing certificate is reported elsewhere
 */
export function checkTlsParts({ ca, client_ca, cert, key }: TlsParts, report: Report, isCertChecked = false): void {
  if (cert !== undefined && key === undefined)
    report('required_key', ['key'], 'this key is required; write the path of the private key of tls.cert')
  if (key !== undefined && cert === undefined && !isCertChecked)
    report('required_key', ['cert'], 'this key is required; write the path of the certificate of tls.key')

  if (ca !== undefined) readCertificate(ca, 'ca', report)
  if (client_ca !== undefined) readCertificate(client_ca, 'client_ca', report)
  const certificate = cert && readCertificate(cert, 'cert', report)
  const privateKey = key && readKey(key, report)
  if (certificate !== undefined && privateKey !== undefined && !certificate.checkPrivateKey(privateKey)) {
    report('unusable_key', ['key'], 'this is not the private key of tls.cert; write the two that belong together')
  } else if (certificate !== undefined && privateKey !== undefined) checkContext({ ca, cert, key }, report)
}

/** What is in order by itself may still be too weak for TLS, or broken further down in a chain. */
function checkContext({ ca, cert, key }: TlsParts, report: Report): void {
  try {
    createSecureContext({ ca: ca?.reveal(), cert: cert?.reveal(), key: key?.reveal() })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unusable'
    report(
      'unusable_key',
      ['cert'],
      `TLS cannot use these certificates (${code}); write others, such as with a key of 2048 bits or more`,
    )
  }
}

function readCertificate(pem: Secret, name: 'ca' | 'client_ca' | 'cert', report: Report): X509Certificate | undefined {
  try {
    return new X509Certificate(pem.reveal())
  } catch {
    report('unusable_key', [name], 'this holds no certificate in PEM; write a file that begins with -----BEGIN CERTIFICATE-----')
    return undefined
  }
}

function readKey(pem: Secret, report: Report): KeyObject | undefined {
  try {
    return createPrivateKey(pem.reveal())
  } catch {
    report('unusable_key', ['key'], 'this holds no private key in PEM that can be read; write one without a passphrase')
    return undefined
  }
}
