import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { tlsAlertOf } from '../../src/network/tls-alert.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'

async function handshake(port: number, ca: string): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: pemOf(ca) })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return socket
}

describe.skipIf(!hasOpenssl)('an alert after the handshake', () => {
  it('is waited for where a client certificate is missed', async () => {
    const authority = certificateAuthority()
    const { port } = await tlsUpstream(authority.issue('server'), { clientCa: authority.cert })
    expect(await tlsAlertOf(await handshake(port, authority.cert), 10_000)).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
  })

  it('does not come where nobody minds, and is not waited for in vain', async () => {
    const authority = certificateAuthority()
    const upstream = await tlsUpstream(authority.issue('server'))
    expect(await tlsAlertOf(await handshake(upstream.port, authority.cert), 50)).toBeUndefined()
    await expect.poll(() => upstream.openConnections()).toBe(0)
  })
})
