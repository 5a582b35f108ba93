import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tcpServer } from './servers.ts'
import type { ChaosServer } from './servers.ts'

/** A server behind the balancer. */
export interface Replica {
  readonly port: number
  readonly adminUrl: string
}

const probeEveryMs = 100

/**
 * A TCP balancer as in front of any service: it gives new connections to replicas in turn that say they are ready, and tries the next
 * one when a connection is refused. It knows nothing of requests.
 */
export async function startBalancer(replicas: () => readonly Replica[]): Promise<ChaosServer> {
  const ready = new Map<number, boolean>()
  const probe = async (): Promise<void> => {
    await Promise.all(
      replicas().map(async ({ port, adminUrl }) => {
        const isReady = await fetch(`${adminUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
          ({ ok }) => ok,
          () => false,
        )
        ready.set(port, isReady)
      }),
    )
    timer = setTimeout(() => void probe(), probeEveryMs)
  }
  let timer: NodeJS.Timeout | undefined
  await probe()
  let turn = 0
  const server = await tcpServer((socket) => {
    const inTurn = replicas().map((_, place, list) => list[(turn + place) % list.length] as Replica)
    turn++
    const candidates = inTurn.filter(({ port }) => ready.get(port) === true)
    joinFirst(socket, candidates.length > 0 ? candidates : inTurn)
  })
  return {
    ...server,
    close: async () => {
      clearTimeout(timer)
      await server.close()
    },
  }
}

function joinFirst(socket: Socket, [first, ...others]: readonly Replica[]): void {
  if (first === undefined) {
    socket.destroy()
    return
  }
  const onward = connect({ port: first.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  let isJoined = false
  onward.on('connect', () => {
    isJoined = true
    socket.pipe(onward).pipe(socket)
  })
  onward.on('error', () => {
    if (isJoined) socket.resetAndDestroy()
    else joinFirst(socket, others)
  })
  onward.on('close', () => isJoined && socket.destroySoon())
  socket.on('close', () => onward.destroy())
}
