import { describe, expect, it, vi } from 'vitest'
import { TimeLimitError, withinTime } from '../../src/network/time-limit.ts'

describe('a time limit', () => {
  it('gives what is done in time, and never gives up on it then', async () => {
    const giveUp = vi.fn<() => void>()
    expect(await withinTime(Promise.resolve(1), 60_000, giveUp)).toBe(1)
    await expect(withinTime(Promise.reject(new Error('broken')), 60_000, giveUp)).rejects.toThrow('broken')
    expect(giveUp).not.toHaveBeenCalled()
  })

  it('ends the waiting for what is not, and has it given up', async () => {
    const work = Promise.withResolvers<never>()
    const waiting = withinTime(work.promise, 1, () => work.reject(new Error('given up')))
    await expect(waiting).rejects.toThrow(TimeLimitError)
    await expect(waiting).rejects.toMatchObject({ code: 'ETIMEDOUT' })
  })
})
