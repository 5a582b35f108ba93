import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { CredentialReading } from './credential-reading.ts'
import type { Report } from './report.ts'
import type { Secret } from './secret.ts'

const at = ['token_request', 'tls']

/**
 * Checks what is said about TLS to the token endpoint: whether the files hold what they should, and belong together (RFC 8705
 * 2.1).
 */
export function checkTokenTls({ known }: CredentialReading, report: Report): void {
  const { grant_type, token_endpoint, token_endpoint_auth_method: method, token_request } = known
  if (token_request === undefined || grant_type === 'self_signed') return
  const { ca, cert, key } = token_request.tls ?? {}
  const isPlain = token_endpoint?.startsWith('http:') === true
  if (method === 'tls_client_auth') {
    if (isPlain) report(['token_endpoint'], 'tls_client_auth proves the client by the certificate of its connection; use https')
    if (cert === undefined)
      report([...at, 'cert'], 'this key is required; write the path of the client certificate, because of tls_client_auth')
  } else if (isPlain && token_request.tls !== undefined) {
    report(at, 'has no effect: the token endpoint is not https; remove it or use https', 'key')
  }
  if (cert !== undefined && key === undefined)
    report([...at, 'key'], 'this key is required; write the path of the private key of tls.cert')
  if (key !== undefined && cert === undefined && method !== 'tls_client_auth')
    report([...at, 'cert'], 'this key is required; write the path of the certificate of tls.key')

  if (ca !== undefined) readCertificate(ca, 'ca', report)
  const certificate = cert && readCertificate(cert, 'cert', report)
  const privateKey = key && readKey(key, report)
  if (certificate !== undefined && privateKey !== undefined && !certificate.checkPrivateKey(privateKey)) {
    report([...at, 'key'], 'this is not the private key of tls.cert; write the two that belong together')
  }
}

function readCertificate(pem: Secret, name: 'ca' | 'cert', report: Report): X509Certificate | undefined {
  try {
    return new X509Certificate(pem.reveal())
  } catch {
    report([...at, name], 'this holds no certificate in PEM; write a file that begins with -----BEGIN CERTIFICATE-----')
    return undefined
  }
}

function readKey(pem: Secret, report: Report): KeyObject | undefined {
  try {
    return createPrivateKey(pem.reveal())
  } catch {
    report([...at, 'key'], 'this holds no private key in PEM that can be read; write one without a passphrase')
    return undefined
  }
}
