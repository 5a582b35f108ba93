/** Chance from a seed: the same seed gives the same run. */
export interface Random {
  /** At least 0, less than `end`; whole. */
  below(end: number): number
  /** One of these. */
  of<T>(list: readonly [T, ...(readonly T[])] | readonly T[]): T
  /** Whether something with this probability happens. */
  chance(probability: number): boolean
  /** Chance of its own, for a part that must not depend on what others draw. */
  fork(name: string): Random
}

/** Makes chance from a seed (mulberry32: 32 bits of state are plenty for choosing what to break). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return {
    below,
    of: (list) => {
      if (list.length === 0) throw new RangeError('nothing to choose from')
      return list[below(list.length)] as (typeof list)[number]
    },
    chance: (probability) => next() < probability,
    fork: (name) => {
      let hash = seed >>> 0
      for (const letter of name) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0
      return createRandom(hash)
    },
  }
}
