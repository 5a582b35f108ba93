import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificateLife } from '../../src/network/certificate-life.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'

const dayMs = 24 * 3_600_000

async function handshake(port: number, ca: string): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: pemOf(ca) })
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return socket
}

describe.skipIf(!hasOpenssl)('the life of a chain of certificates', () => {
  it("is that of the server's own where that ends first", async () => {
    const authority = certificateAuthority()
    const socket = await handshake((await tlsUpstream(authority.issue('short', undefined, 1))).port, authority.cert)
    const life = certificateLife(socket, Date.now())
    expect(life?.isOwn).toBe(true)
    expect(((life?.expiresAtEpochMs ?? 0) - Date.now()) / dayMs).toBeCloseTo(1, 1)
  })

  it('is that of an authority where that ends first, unless it has ended already and was not needed', async () => {
    // The authority itself is good for two days.
    const authority = certificateAuthority()
    const socket = await handshake((await tlsUpstream(authority.issue('long', undefined, 90))).port, authority.cert)
    const life = certificateLife(socket, Date.now())
    expect(life?.isOwn).toBe(false)
    expect(((life?.expiresAtEpochMs ?? 0) - Date.now()) / dayMs).toBeCloseTo(2, 1)
    expect(certificateLife(socket, Date.now() + 3 * dayMs)?.isOwn).toBe(true)
  })
})
