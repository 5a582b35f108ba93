/** Whether a code is one of OpenSSL's verification or of Node's TLS. */
export function isTlsCode(code: string): boolean {
  return /^ERR_(TLS|SSL)|^EPROTO$|CERT|SELF_SIGNED|UNABLE_TO|CRL|HOSTNAME_MISMATCH/.test(code)
}

/**
 * Whether the other side refused the connection by an alert of TLS (RFC 8446 6.2). In TLS 1.3 one about our certificate comes
 * after the handshake, when the connection looks established; nothing that was sent has been read then.
 */
export function isTlsAlert(code: string): boolean {
  return /^ERR_SSL_.*ALERT/.test(code)
}

/**
 * What a failure of TLS means and what to do about it.
 * @param code of OpenSSL or Node
 * @param tls the key under which the configuration says what such a connection is made with, where there is one
 * @returns undefined for one that says nothing more than its code
 */
export function tlsFailureInWords(code: string, tls?: string): string | undefined {
  if (code === 'CERT_HAS_EXPIRED')
    return 'its certificate has expired; it has to be renewed there, unless the clock here is wrong'
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet; check the clock of this machine'
  if (code === 'CERT_REVOKED') return 'its certificate has been revoked; it has to be replaced there'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return 'its certificate is for another name; check the host that is configured, or name the one in the certificate where there is a server_name'
  }
  if (unknownAuthority.has(code)) {
    const file = tls === undefined ? 'NODE_EXTRA_CA_CERTS' : `${tls}.ca, or in NODE_EXTRA_CA_CERTS for the whole process`
    return `its certificate is from an authority that is not trusted here; name the certificate of that authority in ${file}`
  }
  if (isTlsAlert(code) && /CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED/.test(code)) {
    const remedy = tls === undefined ? 'there is no way to show one here' : `check ${tls}.cert and ${tls}.key`
    return `it does not accept the client certificate, or wants one and got none; ${remedy}`
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return 'TLS could not be agreed on; check that this port speaks TLS at all (http:// or https://), and which versions and names it takes'
  }
  return undefined
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
])
