import { expect, test } from 'vitest'
import { atPointer } from '../../src/oauth/json-pointer.ts'

// The document of RFC 6901, section 5.
const document: unknown = JSON.parse(
  '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}',
)

test.each([
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0],
  ['/a~1b', 1],
  ['/c%d', 2],
  ['/e^f', 3],
  ['/g|h', 4],
  ['/i\\j', 5],
  ['/k"l', 6],
  ['/ ', 7],
  ['/m~0n', 8],
])('RFC 6901 5: %s', (pointer, value) => {
  expect(atPointer(document, pointer)).toEqual(value)
})

test('~01 is ~1, not a slash (RFC 6901 4)', () => {
  expect(atPointer({ '~1': 'right', '/': 'wrong' }, '/~01')).toBe('right')
})

test.each([
  '/foo/2',
  '/foo/-',
  '/foo/01',
  '/foo/length',
  '/foo/0/0',
  '/foo/0/length',
  '/nothing',
  '/nothing/at/all',
  '/foo/',
  '//',
])('there is nothing at %s', (pointer) => {
  expect(atPointer(document, pointer)).toBeUndefined()
})

test.each(['/__proto__', '/constructor', '/constructor/name', '/toString', '/__proto__/polluted', '/hasOwnProperty'])(
  'what is inherited is not there: %s',
  (pointer) => {
    expect(atPointer({}, pointer)).toBeUndefined()
    expect(atPointer(Object.create({ toString: 1, polluted: 2 }), pointer)).toBeUndefined()
  },
)

test('a member that is called __proto__ is a member', () => {
  expect(atPointer(JSON.parse('{"__proto__":{"a":1}}'), '/__proto__/a')).toBe(1)
})

test.each([[undefined], [null], [5], ['text'], [true]])('there is nothing inside %j', (value) => {
  expect(atPointer(value, '/a')).toBeUndefined()
  expect(atPointer(value, '/0')).toBeUndefined()
  expect(atPointer(value, '/length')).toBeUndefined()
})
