import { expect, test } from 'vitest'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { grantOf, sourceWithToken, valueOf } from '../support/tokens-source.ts'

/**
 * Plays a minute of traffic: 1,000 calls to a path that refuses every token, among 2,000 to others that do not. Answers take from
 * 20 to 420 ms, so that refusals, replays and new requests overtake each other.
 * @param killsOldToken each new token ends the one before
 * @param replays whether refused requests can be sent again
 * @returns token requests after the first
 */
async function tokenRequestsOf({
  killsOldToken = false,
  replays = true,
  seed,
}: {
  readonly killsOldToken?: boolean
  readonly replays?: boolean
  readonly seed: number
}): Promise<number> {
  const under = await sourceWithToken({}, 3_600_000)
  let live = 'token-1'
  let state = seed
  const random = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void under.clock.after(ms, resolve))
  const send = async (token: AccessToken, isBad: boolean): Promise<boolean> => {
    const value = valueOf(token)
    await wait(20 + random() * 400)
    return !isBad && (!killsOldToken || value === live)
  }
  const call = async (isBad: boolean): Promise<void> => {
    const token = await under.get()
    if (await send(token, isBad)) return
    const rejection = await under.source.reject(token)
    if (rejection.token !== undefined && replays) under.source.replayed(rejection, await send(rejection.token, isBad))
  }
  under.answer = (count) => {
    live = `token-${count}`
    return grantOf(live)
  }
  for (let step = 0; step < 1_000; step++) {
    void call(true)
    void call(false)
    void call(false)
    await under.clock.advance(60)
  }
  return under.requests.length - 1
}

const seeds = [1, 2, 3, 4, 5]

test.each(seeds)(
  'a path that always answers 401, called 1,000 times in a minute among good calls, costs at most 5 token requests (%i)',
  async (seed) => {
    expect(await tokenRequestsOf({ seed })).toBeLessThanOrEqual(5)
  },
)

test.each(seeds)('also where its requests cannot be replayed (%i)', async (seed) => {
  expect(await tokenRequestsOf({ replays: false, seed })).toBeLessThanOrEqual(5)
})

test.each(seeds)('also where each new token ends the one before (%i)', async (seed) => {
  expect(await tokenRequestsOf({ killsOldToken: true, seed })).toBeLessThanOrEqual(5)
})
