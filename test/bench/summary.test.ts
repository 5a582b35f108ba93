import { describe, expect, it } from 'vitest'
import { summarize } from '../../bench/report/summary.ts'
import { inRounds } from '../../bench/workloads/rounds.ts'
import type { Row, Workload } from '../../bench/workloads/workload.ts'

const workload: Workload = {
  name: 'example',
  about: '',
  figures: [
    { key: 'cpuUs', title: '', digits: 0 },
    { key: 'p99', title: '', digits: 0, isOverDirect: true },
  ],
  compared: 'cpuUs',
  run: async () => [],
}

const rows: readonly Row[] = [
  { contender: 'direct', readings: [{ p99: 1 }, { p99: 9 }, { p99: 2 }] },
  {
    contender: 'nginx',
    readings: [
      { cpuUs: 10, p99: 2 },
      { cpuUs: 40, p99: 10 },
      { cpuUs: 20, p99: 5 },
    ],
  },
  { contender: 'caddy', readings: [], problem: 'it is not installed' },
  {
    contender: 'bearerd',
    readings: [
      { cpuUs: 30, p99: 3 },
      { cpuUs: 80, p99: 10 },
      { cpuUs: 80, p99: 4 },
    ],
  },
]

describe('the summary of a benchmark', () => {
  it('takes ratios and what is added over direct inside each round, and then their median', () => {
    const summary = summarize(workload, rows)
    expect(summary.rows.map(({ contender, medians, bearerdToIt }) => [contender, medians, bearerdToIt])).toEqual([
      ['direct', { p99: 0 }, undefined],
      ['nginx', { cpuUs: 20, p99: 1 }, 3],
      ['caddy', {}, undefined],
      ['bearerd', { cpuUs: 80, p99: 2 }, 1],
    ])
  })

  it('has no ratios without bearerd', () => {
    const summary = summarize(workload, rows.slice(0, 2))
    expect(summary.rows.map(({ bearerdToIt }) => bearerdToIt)).toEqual([undefined, undefined])
  })
})

describe('the rounds of a benchmark', () => {
  it('measure everyone in turn, there and back', async () => {
    const order: string[] = []
    const entrants = ['a', 'b', 'c'].map((name) => ({ name, measured: name }))
    await inRounds({
      rounds: 2,
      entrants,
      warmUp: async (name) => void order.push(`warm ${name}`),
      measure: async (name) => {
        order.push(name)
        return {}
      },
    })
    expect(order).toEqual(['warm c', 'warm b', 'warm a', 'a', 'b', 'c', 'c', 'b', 'a'])
  })

  it('go on without who fails twice in a row', async () => {
    let calls = 0
    const measured = await inRounds({
      rounds: 3,
      entrants: [
        { name: 'sound', measured: 'sound' },
        { name: 'broken', measured: 'broken' },
        { name: 'absent', measured: undefined, problem: 'it is not installed' },
      ],
      measure: async (name) => {
        calls++
        if (name === 'broken' || calls === 1) throw new Error('it fell over')
        return { nth: calls }
      },
    })
    expect(measured).toEqual([
      { contender: 'sound', readings: [{ nth: 2 }, { nth: 5 }, { nth: 6 }] },
      { contender: 'broken', readings: [], problem: 'it fell over' },
      { contender: 'absent', readings: [], problem: 'it is not installed' },
    ])
    expect(calls).toBe(6)
  })
})
