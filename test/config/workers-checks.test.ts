import { availableParallelism } from 'node:os'
import { describe, expect, it } from 'vitest'
import { configOf, problemsOf, withRoute, withTop } from '../support/cli-problems.ts'

describe('workers', () => {
  it('is one process unless something else is said, a number, or one for each core', () => {
    expect(configOf(withTop()).workers).toBe(1)
    expect(configOf(withTop('workers: 3')).workers).toBe(3)
    expect(configOf(withTop('workers: ${WORKERS}'), { WORKERS: '4' }).workers).toBe(4)
    expect(configOf(withTop('workers: auto')).workers).toBe(availableParallelism())
  })

  it.each(['0', '-1', '1.5', 'many', 'Auto', '257', '[2]', '""', '~'])('cannot be %s', (value) => {
    expect(problemsOf(withTop(`workers: ${value}`))).toEqual([
      'f.yaml:10:10: workers: not a number of workers; write auto for one per core, or a whole number from 1 to 256',
    ])
  })

  it('leaves each of them a connection to each upstream', () => {
    expect(problemsOf(`${withRoute('max_connections: 2')}workers: 3\n`)).toEqual([
      'f.yaml:10:22: routes[0].max_connections: fewer connections than there are workers (3), each of which needs one of its own; write 3 at least, or fewer workers',
    ])
    expect(problemsOf(`${withRoute('max_connections: 3')}workers: 3\n`)).toEqual([])
  })
})
