import { expect, it } from 'vitest'
import { SharedRendering } from '../../src/admin/shared-rendering.ts'

function renderingUnderTest() {
  let nowMs = 0
  let count = 0
  const state = { fails: false }
  const rendering = new SharedRendering(
    async () => {
      count++
      await Promise.resolve()
      if (state.fails) throw new Error('it cannot be rendered')
      return `text ${count}`
    },
    () => nowMs,
  )
  return { rendering, state, pass: (ms: number) => void (nowMs += ms) }
}

it('renders once for many that look for news within a second, the first one included', async () => {
  const { rendering, pass } = renderingUnderTest()
  const looks = Array.from({ length: 50 }, () => rendering.recent())
  expect(new Set(await Promise.all(looks))).toEqual(new Set(['text 1']))
  pass(999)
  expect(await rendering.recent()).toBe('text 1')
  pass(1)
  expect(await rendering.recent()).toBe('text 2')
})

it('renders anew for who wants it fresh, and for the others with it', async () => {
  const { rendering } = renderingUnderTest()
  expect(await rendering.recent()).toBe('text 1')
  expect(await rendering.fresh()).toBe('text 2')
  expect(await rendering.recent()).toBe('text 2')
})

it('tries again after a failure', async () => {
  const { rendering, state } = renderingUnderTest()
  state.fails = true
  await expect(rendering.recent()).rejects.toThrow('it cannot be rendered')
  state.fails = false
  expect(await rendering.recent()).toBe('text 2')
})
