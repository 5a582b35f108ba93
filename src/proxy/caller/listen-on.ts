import type { AddressInfo, Server } from 'node:net'
import type { ListenAddress } from '../../config/schema/listen.ts'

/**
 * Starts to listen.
 * @returns the address that is in use, with the port that was chosen where any would do
 * @throws the system's error when the address cannot be used
 */
export function listenOn(server: Server, { host, port }: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })
}
