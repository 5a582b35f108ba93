import { describe, expect, test, vi } from 'vitest'
import { announcedLength, answerHead, malformedFields } from '../../../src/proxy/upstream/http2/answer-fields.ts'
import { FrameBudget } from '../../../src/proxy/upstream/http2/frame-budget.ts'
import { Liveness } from '../../../src/proxy/upstream/http2/liveness.ts'
import { OutgoingBody } from '../../../src/proxy/upstream/http2/outgoing-body.ts'
import { PeerSettings } from '../../../src/proxy/upstream/http2/peer-settings.ts'
import { ReceiveWindow } from '../../../src/proxy/upstream/http2/receive-window.ts'
import { requestFields } from '../../../src/proxy/upstream/http2/request-fields.ts'
import { hasten } from '../../support/hasten.ts'

describe('the head of a request', () => {
  test('has pseudo-fields in front, Host among them, and nothing of the connection', () => {
    const fields = [
      'Host',
      'a:1',
      'X-B',
      '1',
      'Transfer-Encoding',
      'chunked',
      'x-a',
      '\xe9',
      'Via',
      '1.1 b',
      'TE',
      'trailers',
      'Connection',
      'TE',
      'X-B',
      '2',
    ]
    expect(requestFields({ method: 'PUT', target: '/a?b', fields })).toEqual(
      [':method', 'PUT', ':scheme', 'https', ':authority', 'a:1', ':path', '/a?b'].concat([
        'x-b',
        '1',
        'x-a',
        '\xe9',
        'via',
        '1.1 b',
        'te',
        'trailers',
        'x-b',
        '2',
      ]),
    )
  })
})

describe('the head of an answer', () => {
  test('is its status, with the usual reason, and its fields as they came', () => {
    expect(answerHead([':status', '404', 'b', '1', 'a', 'caf\xe9 \t!', 'b', ''])).toEqual({
      status: 404,
      reason: 'Not Found',
      version: '2',
      fields: ['b', '1', 'a', 'caf\xe9 \t!', 'b', ''],
    })
    expect(answerHead([':status', '299'])).toMatchObject({ status: 299, reason: '' })
  })

  test.each([
    [[]],
    [['a', 'b']],
    [['a', 'b', ':status', '200']],
    [[':path', '/', ':status', '200']],
    ...['', '2', '20', '2000', '099', '600', '+20', '20x', ' 200', '101'].map((status) => [[':status', status]]),
    [[':status', '200', ':status', '200']],
    [[':status', '200', 'a', 'b', ':path', '/']],
    ...[
      '',
      'A',
      'a b',
      'a:b',
      'a\0',
      'caf\xe9',
      'a\r\nb',
      ':',
      'connection',
      'keep-alive',
      'proxy-connection',
      'transfer-encoding',
      'upgrade',
    ].map((name) => [[':status', '200', name, 'b']]),
    ...['\0', 'a\rb', 'a\nb', '\x7f', '\x1b', ' a', 'a ', '\ta', 'a\t', ' '].map((value) => [[':status', '200', 'a', value]]),
  ])('is refused: %j', (fields) => {
    expect(answerHead(fields)).toMatchObject({ malformed: expect.any(String) })
  })

  test('trailers have no pseudo-fields', () => {
    expect(malformedFields([':status', '200'])).toBeDefined()
    expect(malformedFields(['x-sum', '1'])).toBeUndefined()
  })

  test.each([
    [['a', 'b'], undefined],
    [['content-length', '12'], 12],
    [['content-length', '0'], 0],
  ])('says with %j how long the body is', (fields, length) => expect(announcedLength(fields)).toBe(length))

  test.each([
    [['content-length', '1, 1']],
    [['content-length', '-1']],
    [['content-length', '']],
    [['content-length', '1', 'content-length', '1']],
    [['content-length', '1'.repeat(17)]],
  ])('has no length with %j', (fields) => expect(announcedLength(fields)).toMatchObject({ malformed: expect.any(String) }))
})

describe('what an upstream allows', () => {
  const settings = (...pairs: number[]): Buffer => {
    const bytes = Buffer.alloc(pairs.length * 3)
    for (let index = 0; index < pairs.length; index += 2) {
      bytes.writeUInt16BE(pairs[index] as number, index * 3)
      bytes.writeUInt32BE(pairs[index + 1] as number, index * 3 + 2)
    }
    return bytes
  }

  test('is what it said last; what nobody knows is nothing', () => {
    const peer = new PeerSettings()
    expect([peer.maxStreams, peer.initialWindow]).toEqual([Number.POSITIVE_INFINITY, 65_535])
    peer.read(settings(3, 7, 4, 1, 1, 0, 0x99, 5, 3, 8, 5, 16_777_215, 2, 0))
    expect([peer.maxStreams, peer.initialWindow]).toEqual([8, 1])
  })

  test.each([
    ['half a setting', Buffer.alloc(5), 'FRAME_SIZE_ERROR'],
    ['pushes', settings(2, 1), 'PROTOCOL_ERROR'],
    ['a window of 2 GiB', settings(4, 2 ** 31), 'FLOW_CONTROL_ERROR'],
    ['small frames', settings(5, 16_383), 'PROTOCOL_ERROR'],
    ['large frames', settings(5, 2 ** 24), 'PROTOCOL_ERROR'],
  ])('is not %s', (_, payload, code) => {
    expect(() => new PeerSettings().read(payload)).toThrow(expect.objectContaining({ code }))
  })
})

describe('the body of a request', () => {
  test('goes out as the window allows, in order', () => {
    const body = new OutgoingBody(10, 5)
    expect(body.add(Buffer.from('abc')) && body.add(Buffer.from('defghij'))).toBe(true)
    expect([body.take(2), body.take(9), body.take(9), body.take(9)].map(String)).toEqual(['ab', 'c', 'de', 'undefined'])
    expect([body.isWaiting, body.end(), body.isEndDue]).toEqual([true, true, false])
    expect(body.widen(100)).toBe(true)
    expect(String(body.take(16_384))).toBe('fghij')
    expect([body.isWaiting, body.isEndDue, body.isEndSent]).toEqual([false, true, false])
    body.noteEnd()
    expect([body.isEndDue, body.isEndSent]).toEqual([false, true])
  })

  test('has no more bytes than announced, and no fewer', () => {
    const body = new OutgoingBody(4, 100)
    expect([body.add(Buffer.from('abcde')), body.add(Buffer.from('ab')), body.end(), body.add(Buffer.from('abc'))]).toEqual([
      false,
      true,
      false,
      false,
    ])
    expect([body.add(Buffer.from('cd')), body.end(), body.add(Buffer.from('e'))]).toEqual([true, true, false])
  })

  test('has a window that may be taken back, and that has a limit', () => {
    const body = new OutgoingBody(undefined, 10)
    body.add(Buffer.from('abcdefghij'))
    expect(body.widen(-15)).toBe(true)
    expect(body.take(9)).toBeUndefined()
    expect(body.widen(6)).toBe(true)
    expect(String(body.take(9))).toBe('a')
    expect([body.widen(2 ** 31 - 1), body.widen(1)]).toEqual([true, false])
  })
})

describe('the window of an answer', () => {
  test('is opened when half of it is used up, unless nobody reads', () => {
    const opened: number[] = []
    const window = new ReceiveWindow(128 * 1024, (bytes) => opened.push(bytes))
    const width = 128 * 1024
    expect(window.take(width / 2 - 1)).toBe(true)
    window.open(width)
    expect(opened).toEqual([])
    window.pause()
    expect(window.take(width / 2 + 1)).toBe(true)
    window.open(width)
    expect([opened, window.take(1)]).toEqual([[], false])
    window.resume(width)
    expect(opened).toEqual([width + 1])
  })

  test('is made wider when there is more room', () => {
    const opened: number[] = []
    const window = new ReceiveWindow(128 * 1024, (bytes) => opened.push(bytes))
    window.open(1024 * 1024)
    expect([opened, window.take(1024 * 1024), window.take(1)]).toEqual([[(1024 - 128) * 1024], true, false])
  })
})

describe('frames that bring nothing', () => {
  const spendable = (budget: FrameBudget): number => {
    for (let count = 0; ; count++) if (!budget.spend()) return count
  }

  test('are taken up to a number, which requests, bodies and time earn', () => {
    let ms = 0
    const budget = new FrameBudget(() => ms)
    expect(spendable(budget)).toBe(1_000)
    budget.onRequest()
    budget.onDataSent()
    expect(spendable(budget)).toBeGreaterThan(100)
    ms += 10_000
    expect(spendable(budget)).toBeLessThanOrEqual(101)
    ms += 10_000_000
    expect(spendable(budget)).toBe(4_000)
  })
})

describe('whether anybody is there', () => {
  function asked(): { liveness: Liveness; clock: { ms: number }; ping: () => void; onDead: () => void } {
    hasten({ 10_000: 100, 20_000: 5_000 })
    const clock = { ms: 0 }
    const ping = vi.fn()
    const onDead = vi.fn()
    return { liveness: new Liveness({ pingMs: 200, now: () => clock.ms, ping, onDead }), clock, ping, onDead }
  }

  test('is asked after 10 seconds, and who does not answer is dead', async () => {
    const { liveness, ping, onDead } = asked()
    liveness.start()
    await vi.waitFor(() => expect(ping).toHaveBeenCalledTimes(1), 2_000)
    expect(onDead).not.toHaveBeenCalled()
    await vi.waitFor(() => expect(onDead).toHaveBeenCalledTimes(1), 2_000)
    liveness.stop()
  })

  test('is not asked again soon once it has answered', async () => {
    const { liveness, ping, onDead } = asked()
    liveness.start()
    await vi.waitFor(() => expect(ping).toHaveBeenCalledTimes(1), 2_000)
    liveness.onHeard()
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(ping).toHaveBeenCalledTimes(1)
    expect(onDead).not.toHaveBeenCalled()
    liveness.stop()
  })

  test('is not asked while something comes in, or nobody waits', async () => {
    const { liveness, ping } = asked()
    liveness.start()
    const timer = setInterval(() => liveness.onHeard(), 20)
    await new Promise((resolve) => setTimeout(resolve, 500))
    clearInterval(timer)
    liveness.stop()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(ping).not.toHaveBeenCalled()
  })

  test('is asked along with a request that comes after a second of silence', () => {
    const { liveness, clock, ping } = asked()
    liveness.start()
    clock.ms = 900
    liveness.onRequest()
    expect(ping).not.toHaveBeenCalled()
    clock.ms = 1_100
    liveness.onRequest()
    liveness.onRequest()
    expect(ping).toHaveBeenCalledTimes(1)
    liveness.stop()
  })
})
