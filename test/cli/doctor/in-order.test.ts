import { describe, expect, it } from 'vitest'
import { inOrder } from '../../../src/cli/doctor/in-order.ts'

describe('in order', () => {
  it('gives what is named first first, though it be done last', async () => {
    const gates = new Map(['a', 'b', 'c'].map((name) => [name, Promise.withResolvers<string>()]))
    const seen: string[] = []
    const reading = (async () => {
      for await (const [task, result] of inOrder(['a', 'b', 'c'], 3, async (name) => await (gates.get(name)?.promise ?? name)))
        seen.push(`${task} ${result}`)
    })()
    gates.get('c')?.resolve('third')
    gates.get('b')?.resolve('second')
    gates.get('a')?.resolve('first')
    await reading
    expect(seen).toEqual(['a first', 'b second', 'c third'])
  })

  it('does no more at a time than it may, and all in the end', async () => {
    let underWay = 0
    let most = 0
    const tasks = Array.from({ length: 20 }, (_, index) => index)
    const seen: number[] = []
    for await (const [task] of inOrder(tasks, 3, async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
    }))
      seen.push(task)
    expect(seen).toEqual(tasks)
    expect(most).toBe(3)
  })

  it('ends with the first failure in that order', async () => {
    const seen: string[] = []
    const reading = async (): Promise<void> => {
      for await (const [task] of inOrder(['a', 'b', 'c'], 3, async (name) => {
        if (name !== 'a') throw new Error(name)
      }))
        seen.push(task)
    }
    await expect(reading()).rejects.toThrow('b')
    expect(seen).toEqual(['a'])
  })
})
