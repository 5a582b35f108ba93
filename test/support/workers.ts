import { connect } from 'node:net'
import { fleetConfig, startReplica, until } from './fleet-processes.ts'
import type { FleetConfig, Replica } from './fleet-processes.ts'
import type { FleetProvider } from './fleet-provider.ts'

/** A `bearerd serve` with workers. */
export interface GatewayWithWorkers extends Replica {
  readonly port: number
  /** The processes of its workers, by number; of one that was replaced, the one that serves now. */
  workers(): ReadonlyMap<number, number>
}

/** Starts one with two workers, and waits until it serves. */
export async function startWithWorkers(
  provider: Pick<FleetProvider, 'apiUrl' | 'tokenUrl'>,
  { credential, top = {} }: FleetConfig = {},
): Promise<GatewayWithWorkers> {
  const replica = await startReplica(
    fleetConfig(provider, undefined, { ...(credential !== undefined && { credential }), top: { workers: 2, ...top } }),
  )
  return {
    ...replica,
    port: URL.canParse(replica.url) ? Number(new URL(replica.url).port) : 0,
    workers: () =>
      new Map(
        replica
          .log()
          .filter(({ message }) => message === 'a worker serves')
          .map(({ worker, pid }) => [Number(worker), Number(pid)] as const),
      ),
  }
}

/** Which worker served each request, as logged: by worker, how many. */
export function servedBy(gateway: Replica): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { message, worker } of gateway.log())
    if (message === 'request') counts[String(worker)] = (counts[String(worker)] ?? 0) + 1
  return counts
}

/** Waits until these processes are gone. */
export async function untilGone(pids: Iterable<number>): Promise<void> {
  for (const pid of pids) await until(`process ${pid} is gone`, () => !isThere(pid), 5_000)
}

/** Waits until a port refuses connections. */
export async function untilRefused(port: number): Promise<void> {
  await until('connections are refused', async () => !(await isOpen(port)), 5_000)
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
