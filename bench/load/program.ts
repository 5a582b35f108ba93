/** The benchmark's own load, a process of its own: `program.ts TARGET PATTERN`, both as JSON; it prints the result as JSON. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CallerConnection, messageOf } from './caller-connection.ts'
import type { Result } from './caller-connection.ts'
import type { LoadResult, LoadTarget, Pattern, Quantiles } from './load.ts'

/** How long answers may take after the last request, in milliseconds. */
const patienceMs = 10_000

const [target, pattern] = process.argv.slice(2).map((text) => JSON.parse(text) as unknown) as [LoadTarget, Pattern]
const message = messageOf(target)
const results: Result[] = []
const open = async (count: number): Promise<CallerConnection[]> => {
  const opened = await Promise.all(Array.from({ length: count }, () => CallerConnection.open(target, message)))
  for (const connection of opened) if (connection === undefined) results.push({ isAnswered: false, firstByteMs: 0, tookMs: 0 })
  return opened.filter((connection) => connection !== undefined)
}

const seconds = await { closed, streams: closed, steady, burst }[pattern.kind](pattern as never)
process.stdout.write(`${JSON.stringify(summary(seconds))}\n`)
process.exit()

async function closed({ connections, ms }: Extract<Pattern, { kind: 'closed' | 'streams' }>): Promise<number> {
  const opened = await open(connections)
  const startedMs = performance.now()
  let isOver = false
  const send = (connection: CallerConnection): void =>
    connection.send((result) => {
      if (isOver) return
      results.push(result)
      if (connection.isOpen) send(connection)
      else void sendOnAnother()
    })
  const sendOnAnother = async (): Promise<void> => (await open(1)).forEach(send)
  opened.forEach(send)
  await sleep(ms)
  isOver = true
  return (performance.now() - startedMs) / 1_000
}

async function steady({ perSecond, ms }: Extract<Pattern, { kind: 'steady' }>): Promise<number> {
  const idle = await open(8)
  const total = Math.round((perSecond * ms) / 1_000)
  const startedMs = performance.now()
  const send = (connection: CallerConnection): void =>
    connection.send((result) => {
      results.push(result)
      if (connection.isOpen) idle.push(connection)
    })
  const sendOnAnother = async (): Promise<void> => (await open(1)).forEach(send)
  for (let sent = 0; sent < total; await sleep(1)) {
    const due = Math.min(total, Math.floor(((performance.now() - startedMs) / 1_000) * perSecond))
    for (; sent < due; sent++) {
      const connection = idle.pop()
      if (connection === undefined) void sendOnAnother()
      else send(connection)
    }
  }
  await untilResults(total)
  return (performance.now() - startedMs) / 1_000
}

async function burst({ connections }: Extract<Pattern, { kind: 'burst' }>): Promise<number> {
  const opened = await open(connections)
  const startedMs = performance.now()
  for (const connection of opened) connection.send((result) => results.push(result))
  await untilResults(connections)
  return (performance.now() - startedMs) / 1_000
}

/** Waits for so many results; what has none after a while has failed. */
async function untilResults(count: number): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (results.length < count && performance.now() < endMs) await sleep(1)
  while (results.length < count) results.push({ isAnswered: false, firstByteMs: 0, tookMs: 0 })
}

function summary(seconds: number): LoadResult {
  const answered = results.filter(({ isAnswered }) => isAnswered)
  return {
    answered: answered.length,
    failed: results.length - answered.length,
    seconds,
    firstByteMs: quantiles(answered.map(({ firstByteMs }) => firstByteMs)),
    tookMs: quantiles(answered.map(({ tookMs }) => tookMs)),
  }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99) }
}
