import { expect, test } from 'vitest'
import { parseRetryAfter } from '../../src/oauth/retry-after.ts'

const now = Date.UTC(2026, 0, 1)

test.each([
  ['0', 0],
  ['1', 1_000],
  [' 120 ', 120_000],
  ['3600', 3_600_000],
  ['86400', 3_600_000],
  ['99999999999999999999', 3_600_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
  ['Fri, 02 Jan 2026 00:00:00 GMT', 3_600_000],
])('Retry-After: %s is read, at most an hour', (value, ms) => {
  expect(parseRetryAfter(value, now)).toBe(ms)
})

test.each([
  [undefined],
  [''],
  ['soon'],
  ['-5'],
  ['1.5'],
  ['1e3'],
  ['NaN'],
  ['Infinity'],
  ['5, 10'],
  ['Wed, 31 Dec 2025 23:59:59 GMT'],
])('Retry-After: %s asks for nothing', (value) => {
  expect(parseRetryAfter(value, now)).toBeUndefined()
})
