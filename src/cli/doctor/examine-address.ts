import { access, constants, lstat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import { formatAddress, isSocketFile } from '../../config/schema/listen.ts'
import type { ListenAddress, SocketFile } from '../../config/schema/listen.ts'
import { errorCode } from '../../network/error-code.ts'
import { listenOn } from '../../proxy/caller/listen-on.ts'
import type { Finding } from './finding.ts'

/** What the findings are called. */
const checks = { listen: 'listen', 'admin.listen': 'admin', 'token_service.listen': 'service' } as const

/**
 * Finds out whether an address can be listened on, by doing so for a moment; nothing is touched where a unix socket is to be.
 * @param key where the configuration says it
 * @param isGatewayHere whether a gateway of this configuration answers: then it is the one that has the address
 */
export async function examineAddress(
  key: keyof typeof checks,
  address: ListenAddress,
  isGatewayHere: () => Promise<boolean>,
): Promise<Finding> {
  const shown = formatAddress(address)
  const check = checks[key]
  const facts = { address: shown }
  const code = await (isSocketFile(address) ? trySocketFile(address) : tryPort(address))
  if (code === undefined) return { check, verdict: 'ok', message: `${shown} is free`, facts }
  if (code === 'EADDRINUSE' && (await isGatewayHere()))
    return { check, verdict: 'ok', message: `${shown} is in use, and a gateway answers here already`, facts }
  if (code === 'EADDRINUSE')
    return {
      check,
      verdict: 'warning',
      message: `${shown} is in use, and no gateway answers at admin.listen; stop what has it, or write another address under ${key}`,
      facts,
    }
  const reasons: Readonly<Record<string, string>> = {
    EACCES: 'this user may not listen there; choose a port over 1023 or a folder of its own, or grant the right',
    EADDRNOTAVAIL: 'it is no address of this machine; write one that is',
    ENOTFOUND: 'there is no such host; write an address of this machine',
    ENOENT: 'its folder does not exist; make it',
    EEXIST: 'something else than a socket has this path; remove it, or write another path',
  }
  return {
    check,
    verdict: 'failed',
    message: `${shown} cannot be listened on (${code}): ${reasons[code] ?? `write another one under ${key}`}`,
    facts,
  }
}

/** @returns why not, by the system's code */
async function tryPort(address: Exclude<ListenAddress, SocketFile>): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy())
  try {
    await listenOn(server, address)
    await new Promise((resolve) => server.close(resolve))
    return undefined
  } catch (error) {
    return errorCode(error) ?? 'unknown'
  }
}

async function trySocketFile({ path }: SocketFile): Promise<string | undefined> {
  const kept = await lstat(path).catch(() => undefined)
  if (kept?.isSocket() === false) return 'EEXIST'
  const found = await new Promise<string | undefined>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error) => resolve(errorCode(error) ?? 'unknown'))
  })
  if (found === undefined) return 'EADDRINUSE'
  // Left behind by a process that was killed, or not there at all: a gateway makes it anew.
  if (found !== 'ECONNREFUSED' && found !== 'ENOENT') return found
  try {
    await access(dirname(path), constants.W_OK)
    return undefined
  } catch (error) {
    return errorCode(error) ?? 'unknown'
  }
}
