import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnswerBody } from '../../../src/proxy/upstream/http1/answer-body.ts'
import type { AnswerSink } from '../../../src/proxy/upstream/http1/answer-body.ts'

/** A connection, as far as a body knows it. */
function source() {
  const state = { isPaused: false, isDestroyed: false }
  const body = new AnswerBody({
    pause: () => void (state.isPaused = true),
    resume: () => void (state.isPaused = false),
    destroy: () => void (state.isDestroyed = true),
  })
  return { state, body }
}

/** Writes down what it is told. @param wantsMore what it answers to a piece */
function sink(wantsMore: (piece: string) => boolean = () => true) {
  const told: string[] = []
  const it: AnswerSink = {
    write: (piece) => {
      told.push(piece.toString())
      return wantsMore(piece.toString())
    },
    end: () => void told.push('<end>'),
    fail: () => void told.push('<fail>'),
  }
  return { it, told }
}

const bytes = (text: string): Buffer => Buffer.from(text)

test('what nobody takes is held, and the upstream is paused once it is 64 KiB', () => {
  const { body, state } = source()
  body.push(Buffer.alloc(65_535))
  expect(state.isPaused).toBe(false)
  body.push(Buffer.alloc(1))
  expect([state.isPaused, body.heldBytes]).toEqual([true, 65_536])
})

test('whoever takes it gets what is held first, in one piece, and then what comes', () => {
  const { body } = source()
  body.push(bytes('a'))
  body.push(bytes('b'))
  const { it, told } = sink()
  body.flowTo(it)
  body.push(bytes('c'))
  body.finish(['X', 'y'])
  expect([told, body.isComplete, body.trailers]).toEqual([['ab', 'c', '<end>'], true, ['X', 'y']])
})

test('a sink that wants a pause gets one: the upstream waits, and what is on its way is held', () => {
  const { body, state } = source()
  const { it, told } = sink((piece) => piece !== 'a')
  body.flowTo(it)
  body.push(bytes('a'))
  body.push(bytes('b'))
  expect([told, state.isPaused]).toEqual([['a'], true])
  body.resume()
  expect([told, state.isPaused]).toEqual([['a', 'b'], false])
})

test('the end waits behind what is held for a sink that wants a pause', () => {
  const { body } = source()
  const { it, told } = sink((piece) => piece !== 'a')
  body.flowTo(it)
  body.push(bytes('a'))
  body.push(bytes('b'))
  body.finish([])
  expect(told).toEqual(['a'])
  body.resume()
  expect(told).toEqual(['a', 'b', '<end>'])
})

test.each(['finish', 'fail'] as const)('a sink is told once that it is over, however often it asks for more: %s', (how) => {
  const { body } = source()
  const { it, told } = sink()
  body.flowTo(it)
  body[how](undefined as never)
  body.resume()
  body.resume()
  expect(told.length).toBe(1)
})

test.each<[string, (body: AnswerBody) => void]>([
  ['ends the connection', (body) => body.destroy()],
  ['has had enough', (body) => body.hold()],
])('a sink that %s with its first piece is told nothing more', (_, act) => {
  for (const isHeld of [true, false]) {
    for (const answer of [true, false]) {
      const { body, state } = source()
      const { it, told } = sink(() => (act(body), answer))
      if (isHeld) body.push(bytes('a'))
      body.flowTo(it)
      body.push(bytes('b'))
      body.push(bytes('c'))
      body.finish([])
      body.resume()
      expect([told.length, state.isDestroyed]).toEqual([1, act.toString().includes('destroy')])
    }
  }
})

test('what was taken can be put back, in front of what came since', () => {
  const { body } = source()
  body.push(bytes('ab'))
  const taken = body.take()
  body.push(bytes('c'))
  body.putBack(taken)
  body.putBack(Buffer.alloc(0))
  expect([body.heldBytes, body.take().toString(), body.heldBytes]).toEqual([3, 'abc', 0])
})

test('a body that broke says so to whoever takes it later, behind what there was', () => {
  const { body } = source()
  body.push(bytes('a'))
  body.fail(new Error('why'))
  const { it, told } = sink()
  body.flowTo(it)
  expect([told, body.isBroken, body.isComplete, body.error?.message]).toEqual([['a', '<fail>'], true, false, 'why'])
})

test('a body that is over leaves its connection alone, which may serve somebody else', () => {
  const { body, state } = source()
  const { it } = sink(() => false)
  body.push(Buffer.alloc(100_000))
  body.finish([])
  state.isPaused = false
  body.flowTo(it)
  body.destroy()
  expect(state).toEqual({ isPaused: false, isDestroyed: false })
})

test('whatever is done in whatever order, every byte comes through once, and one end', () => {
  const step = fc.constantFrom('push', 'push', 'hold', 'flow', 'resume', 'put back', 'finish', 'fail')
  const holds = fc.property(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.boolean()), (steps, answers) => {
    const { body } = source()
    const { it, told } = sink(() => answers.next().value ?? true)
    const isOver = (): boolean => told.at(-1)?.startsWith('<') === true
    let sent = ''
    for (const what of [...steps, 'finish']) {
      const isOpen = !body.isComplete && !body.isBroken
      if (what === 'hold') body.hold()
      else if (what === 'resume') body.resume()
      else if (what === 'flow' && !isOver()) body.flowTo(it)
      else if (what === 'put back' && !isOver()) body.putBack(body.take())
      else if (what === 'finish' && isOpen) body.finish([])
      else if (what === 'fail' && isOpen) body.fail(undefined)
      else if (what === 'push' && isOpen) {
        const piece = String.fromCharCode(97 + (sent.length % 26))
        sent += piece
        body.push(bytes(piece))
      }
    }
    while (!isOver()) body.flowTo(it)
    const text = told.join('')
    // Of a body that broke, what waited for a slow sink may be lost.
    if (body.isBroken) expect(sent.startsWith(text.replace(/<fail>$/, ''))).toBe(true)
    else expect(text).toBe(`${sent}<end>`)
  })
  fc.assert(holds, { numRuns: 1_000 })
})
