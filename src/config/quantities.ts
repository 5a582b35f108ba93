const millisecondsPer: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const bytesPer: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** The longest delay of `setTimeout`, in milliseconds, which takes a longer one for 1 ms; Uber's tokens live 30 days. */
export const longestTimerMs = 2 ** 31 - 1

/**
 * Reads a duration such as `250ms`, `30s`, `5m` or `1h`.
 * @returns milliseconds, or undefined when the text is not a duration
 */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, /^(\d+(?:\.\d+)?)(ms|s|m|h)$/, millisecondsPer)
}

/**
 * Reads a size such as `0`, `64KiB` or `1MiB`.
 * @returns bytes, or undefined when the text is not a size
 */
export function parseSize(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : parseQuantity(text, /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/, bytesPer)
}

/** Writes milliseconds or bytes as a person would: in the largest unit that they are a whole number of. */
export function formatQuantity(value: number, unit: 'duration' | 'size'): string {
  if (value === 0) return unit === 'duration' ? '0s' : '0'
  const factors = Object.entries(unit === 'duration' ? millisecondsPer : bytesPer).toReversed()
  // One minute is 60s, as the contract writes it.
  const [name, factor] = factors.find(([unitName, each]) => value % each === 0 && !(unitName === 'm' && value === each)) ?? [
    '',
    1,
  ]
  return `${value / factor}${name}`
}

function parseQuantity(text: string, pattern: RegExp, factors: Readonly<Record<string, number>>): number | undefined {
  const match = pattern.exec(text)
  const factor = factors[match?.[2] ?? '']
  if (match === null || factor === undefined) return undefined
  const value = Math.round(Number(match[1]) * factor)
  return Number.isSafeInteger(value) ? value : undefined
}
