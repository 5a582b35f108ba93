import { expect, test } from 'vitest'
import { trimOws } from '../../src/proxy/message/fields.ts'

test.each([
  ['', ''],
  [' \t ', ''],
  ['a', 'a'],
  ['\t a b \t', 'a b'],
  ['\xa0chunked\xa0', '\xa0chunked\xa0'],
  ['\va\r', '\va\r'],
])('only SP and HTAB around a value are not part of it: %j', (text, trimmed) => {
  expect(trimOws(text)).toBe(trimmed)
})

/*
 * A value of 60,000 spaces between two letters took a pattern 12 seconds, in which nobody else was served. An upstream could send it,
 * and within Connection every caller.
 */
test('white space within a value, however much, takes no time', () => {
  const value = `a${' '.repeat(60_000)}b`
  const startedMs = performance.now()
  expect(trimOws(`${value} `)).toBe(value)
  expect(performance.now() - startedMs).toBeLessThan(1_000)
})
