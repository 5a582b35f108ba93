import type { AddressInfo, Server } from 'node:net'
import { isSocketFile } from '../../config/schema/listen.ts'
import type { ListenAddress } from '../../config/schema/listen.ts'
import { listenOnFile } from './socket-file.ts'

/**
 * Starts to listen.
 * @returns the address that is in use, with the port that was chosen where any would do
 * @throws the system's error when the address cannot be used
 */
export async function listenOn<Address extends ListenAddress>(server: Server, address: Address): Promise<Address> {
  if (isSocketFile(address)) {
    await listenOnFile(server, address)
    return address
  }
  const { host, port } = address
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return { ...address, port: (server.address() as AddressInfo).port }
}
