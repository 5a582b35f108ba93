import { expect, test } from 'vitest'
import { eventually, gate } from '../../support/proxy-wait.ts'
import { httpServer } from '../../support/servers.ts'
import { ask, poolTo } from '../../support/upstream-client.ts'

const minutes = 60_000

test('a connection serves no request after 5 minutes, so that a change in DNS is followed', async () => {
  const server = await httpServer((_, response) => void response.end('good'))
  let nowMs = 0
  const pool = poolTo(server.url, { now: () => nowMs, random: () => 1 })
  const askAfter = async (ms: number): Promise<number> => {
    nowMs += ms
    expect(await ask(pool)).toBe('good')
    return server.connections()
  }
  expect(await askAfter(0)).toBe(1)
  expect(await askAfter(3.9 * minutes)).toBe(1)
  // Old by now: its last request, and the next has a new one.
  expect(await askAfter(0.2 * minutes)).toBe(1)
  expect(await askAfter(0)).toBe(2)
})

test('connections that were made together do not end together', async () => {
  const server = await httpServer((_, response) => void response.end('good'))
  let nowMs = 0
  let chance = 0
  const pool = poolTo(server.url, { now: () => nowMs, random: () => (chance += 0.2) - 0.2 })
  const askAll = async (): Promise<number> => {
    await Promise.all(Array.from({ length: 5 }, () => ask(pool)))
    return server.connections()
  }
  expect(await askAll()).toBe(5)
  const made: number[] = []
  for (nowMs = 4 * minutes + 1; nowMs < 5.3 * minutes; nowMs += minutes / 5) {
    await askAll()
    made.push(await askAll())
  }
  expect(made.slice(0, 5)).toEqual([5, 6, 7, 8, 9])
})

test('a connection that is retired in the middle of an answer finishes it, and then ends', async () => {
  const slow = gate()
  const server = await httpServer(async (_, response) => {
    response.write('begin')
    await slow.opened
    response.end(' end')
  })
  const pool = poolTo(server.url)
  const answer = ask(pool)
  await eventually('it has begun', () => server.openConnections() === 1)
  pool.renew()
  slow.open()
  expect(await answer).toBe('begin end')
  await eventually('it is closed', () => server.openConnections() === 0)
})

test('an idle connection is closed after 4 seconds, or a second before the upstream would do so', async () => {
  const isClosedAfter = async (field: string, ms: number): Promise<boolean> => {
    const server = await httpServer((_, response) => void response.setHeader('Keep-Alive', field).end('good'))
    expect(await ask(poolTo(server.url))).toBe('good')
    const endMs = performance.now() + ms
    while (performance.now() < endMs && server.openConnections() > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    return server.openConnections() === 0
  }
  const closed = [
    isClosedAfter('timeout=1', 1_000),
    isClosedAfter('timeout=2', 3_000),
    isClosedAfter('timeout=60', 3_000),
    isClosedAfter('timeout=60', 6_000),
  ]
  expect(await Promise.all(closed)).toEqual([true, true, false, true])
})

test('of the idle connections the one that was used last is used next', async () => {
  const ports: (number | undefined)[] = []
  const server = await httpServer((request, response) => {
    ports.push(request.socket.remotePort)
    response.end('good')
  })
  const pool = poolTo(server.url)
  await Promise.all([ask(pool), ask(pool)])
  await ask(pool)
  await ask(pool)
  expect(new Set(ports.slice(1)).size).toBe(1)
})
