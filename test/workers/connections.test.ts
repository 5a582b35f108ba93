import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CallerConnections } from '../../src/workers/caller-connections.ts'
import type { ConnectionTaker } from '../../src/workers/caller-connections.ts'

/** A worker that notes what it is given; `isStuck` when it is sent nothing. */
function taker(isStuck = false): ConnectionTaker & { readonly given: Socket[] } {
  const given: Socket[] = []
  return {
    given,
    give: (socket, onSent) => {
      given.push(socket)
      if (!isStuck) onSent()
    },
  }
}

async function sockets(count: number): Promise<Socket[]> {
  const accepted: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const callers = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => {}))
  onTestFinished(() => {
    for (const socket of [...callers, ...accepted]) socket.destroy()
    server.close()
  })
  await expect.poll(() => accepted.length).toBe(count)
  return accepted
}

describe('the connections of callers', () => {
  test('go to the worker that has the fewest', async () => {
    const connections = new CallerConnections(100)
    const [one, two] = [taker(), taker()]
    connections.add(one)
    connections.add(two)
    const all = await sockets(12)
    for (const socket of all.slice(0, 6)) connections.take(socket)
    expect([one.given.length, two.given.length]).toEqual([3, 3])
    connections.noteClosed(one, 3)
    for (const socket of all.slice(6, 9)) connections.take(socket)
    expect([one.given.length, two.given.length]).toEqual([6, 3])
    for (const socket of all.slice(9)) connections.take(socket)
    expect([one.given.length, two.given.length]).toEqual([7, 5])
    expect(connections.count).toBe(9)
  })

  test('take turns when there is only one at a time', async () => {
    const connections = new CallerConnections(100)
    const [one, two] = [taker(), taker()]
    connections.add(one)
    connections.add(two)
    for (const socket of await sockets(6)) {
      connections.take(socket)
      connections.noteClosed(one.given.at(-1) === socket ? one : two, 1)
    }
    expect([one.given.length, two.given.length]).toEqual([3, 3])
  })

  test('are no more in all than their limit', async () => {
    const connections = new CallerConnections(3)
    const [one, two] = [taker(), taker()]
    connections.add(one)
    connections.add(two)
    const all = await sockets(5)
    for (const socket of all.slice(0, 4)) connections.take(socket)
    expect([one.given.length, two.given.length]).toEqual([2, 1])
    expect(all[3]?.destroyed).toBe(true)
    connections.limit = 4
    connections.take(all[4] as Socket)
    expect([one.given.length, two.given.length]).toEqual([2, 2])
  })

  test('wait for a worker while there is none, and end with the gateway', async () => {
    const connections = new CallerConnections(100)
    const [first, second] = await sockets(2)
    connections.take(first as Socket)
    const worker = taker()
    connections.add(worker)
    expect(worker.given).toEqual([first])
    connections.remove(worker)
    connections.take(second as Socket)
    connections.close()
    expect(second?.destroyed).toBe(true)
  })

  test('that a worker was not sent before it ended go to another one', async () => {
    const connections = new CallerConnections(100)
    const [stuck, other] = [taker(true), taker()]
    connections.add(stuck)
    const all = await sockets(2)
    for (const socket of all) connections.take(socket)
    connections.add(other)
    connections.remove(stuck)
    expect(other.given).toEqual(all)
  })

  test('that no worker was sent at the end keep nobody waiting', async () => {
    const connections = new CallerConnections(100)
    const stuck = taker(true)
    connections.add(stuck)
    const all = await sockets(2)
    for (const socket of all) connections.take(socket)
    connections.close()
    // Killed, because it did not end by itself.
    connections.remove(stuck)
    expect(all.map(({ destroyed }) => destroyed)).toEqual([true, true])
  })
})
