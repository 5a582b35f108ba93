import { describe, expect, it } from 'vitest'
import { addressesOf, reachPort } from '../../src/network/reach-port.ts'
import { freePort } from '../support/redis-server.ts'
import { tcpServer } from '../support/servers.ts'

describe('reaching a port', () => {
  it('says which address answered, and leaves nothing open', async () => {
    const server = await tcpServer(() => {})
    expect(await reachPort({ hostname: '127.0.0.1', port: server.port }, 10_000)).toBe('127.0.0.1')
    await expect.poll(() => server.openConnections()).toBe(0)
    expect(server.connections()).toBe(1)
  })

  it('fails with the code of the platform', async () => {
    await expect(reachPort({ hostname: '127.0.0.1', port: await freePort() }, 10_000)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })

  it('finds the addresses of a host as connections do', async () => {
    expect(await addressesOf('localhost', 10_000)).toContain('127.0.0.1')
    await expect(addressesOf('nowhere.invalid', 10_000)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) as string })
  })
})
