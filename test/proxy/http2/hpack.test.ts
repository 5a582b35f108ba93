import { createServer, connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CompressionError } from '../../../src/proxy/upstream/http2/hpack/compression-error.ts'
import { FieldDecoder } from '../../../src/proxy/upstream/http2/hpack/field-decoder.ts'
import { encodeFields } from '../../../src/proxy/upstream/http2/hpack/field-encoder.ts'
import { decodeHuffman } from '../../../src/proxy/upstream/http2/hpack/huffman.ts'
import { blocksOf } from '../../support/http2-frames.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const decoder = (): FieldDecoder => new FieldDecoder(64 * 1024)
const decode = (text: string): readonly string[] => decoder().decode(hex(text)).fields

describe('the examples of RFC 7541, Appendix C', () => {
  test.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header'], 55],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path'], 0],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret'], 0],
    ['C.2.4', '82', [':method', 'GET'], 0],
  ])('%s', (_, block, fields, tableBytes) => {
    const one = decoder()
    expect(one.decode(hex(block)).fields).toEqual(fields)
    expect(one.tableBytes).toBe(tableBytes)
  })

  const requests: [string, readonly string[], number][] = [
    ['', [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'], 57],
    ['', [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com', 'cache-control', 'no-cache'], 110],
    [
      '',
      [
        ':method',
        'GET',
        ':scheme',
        'https',
        ':path',
        '/index.html',
        ':authority',
        'www.example.com',
        'custom-key',
        'custom-value',
      ],
      164,
    ],
  ]
  test.each([
    [
      'C.3, without the code',
      [
        '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        '8286 84be 5808 6e6f 2d63 6163 6865',
        '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
      ],
    ],
    [
      'C.4, with it',
      [
        '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        '8286 84be 5886 a8eb 1064 9cbf',
        '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
      ],
    ],
  ])('%s', (_, blocks) => {
    const one = decoder()
    for (const [nth, block] of blocks.entries()) {
      expect(one.decode(hex(block)).fields).toEqual(requests[nth]?.[1])
      expect(one.tableBytes).toBe(requests[nth]?.[2])
    }
  })

  test.each([
    [
      'C.5, without the code',
      [
        '3fe1 0148 0333 3032 5807 7072 6976 6174 6561 1d4d 6f6e 2c20 3231 204f 6374 2032 3031 3320 3230 3a31 333a 3231 2047 4d54 6e17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d',
        '4803 3330 37c1 c0bf',
        '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
      ],
    ],
    [
      'C.6, with it',
      [
        '3fe1 0148 8264 0258 85ae c377 1a4b 6196 d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff 6e91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3',
        '4883 640e ffc1 c0bf',
        '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      ],
    ],
  ])('%s, with a table of 256 bytes, from which entries go', (_, blocks) => {
    const one = decoder()
    const date = 'Mon, 21 Oct 2013 20:13:21 GMT'
    const common = ['cache-control', 'private', 'date', date, 'location', 'https://www.example.com']
    // The examples have the table small from the start; here it is told so.
    expect(one.decode(hex(blocks[0] ?? '')).fields).toEqual([':status', '302', ...common])
    expect(one.tableBytes).toBe(222)
    expect(one.decode(hex(blocks[1] ?? '')).fields).toEqual([':status', '307', ...common])
    expect(one.tableBytes).toBe(222)
    expect(one.decode(hex(blocks[2] ?? '')).fields).toEqual(
      [
        ':status',
        '200',
        'cache-control',
        'private',
        'date',
        'Mon, 21 Oct 2013 20:13:22 GMT',
        'location',
        'https://www.example.com',
      ].concat(['content-encoding', 'gzip', 'set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1']),
    )
    expect(one.tableBytes).toBe(215)
  })
})

describe('what no block may hold', () => {
  test.each([
    ['the entry 0', '80'],
    ['an entry behind the tables', 'be'],
    ['a name behind the tables', '7f00 0161'],
    ['a number without an end', 'ff80 8080 8080 00'],
    ['a large number', 'ffff ffff ff7f'],
    ['half a number', 'ff'],
    ['a string behind its block', '0003 6161'],
    ['a string of gigabytes', '007f ffff ff7f'],
    ['nothing behind a name', '0001 61'],
    ['a table over 4096 bytes', '3fe2 1f'],
    ['a new size of the table behind a field', '8220'],
    ['the end in a string', '0084 ffff ffff 00'],
    ['a filling of 8 bits', '0082 1fff 00'],
    ['a filling with 0', '0081 1800'],
  ])('%s', (_, block) => {
    expect(() => decode(block)).toThrow(CompressionError)
  })

  test('a new size of the table is heeded, several of them too', () => {
    const one = decoder()
    one.decode(hex('4001 6101 62'))
    expect(one.tableBytes).toBe(34)
    expect(one.decode(hex('be')).fields).toEqual(['a', 'b'])
    expect(one.decode(hex('203f e11f 82')).fields).toEqual([':method', 'GET'])
    expect(one.tableBytes).toBe(0)
    expect(() => one.decode(hex('be'))).toThrow(CompressionError)
  })

  test('an entry that is larger than the table empties it', () => {
    const one = decoder()
    one.decode(hex('4001 6101 62'))
    one.decode(Buffer.from(`\x40\x01a\x7f\xe1\x1f${'x'.repeat(4_192)}`, 'latin1'))
    expect(one.tableBytes).toBe(0)
  })
})

/* CVE-2016-1544 and others: an entry of 4 KiB that is named 16,000 times, in one byte each, is a list of 64 MiB. */
test('a small block that means a large list is decoded to its end, but not kept', () => {
  const one = decoder()
  one.decode(Buffer.from(`\x40\x01a\x7f\x81\x1e${'x'.repeat(3_968)}`, 'latin1'))
  const bomb = one.decode(Buffer.concat([Buffer.alloc(60_000, 0xbe), hex('4001 6301 64')]))
  expect([bomb.isTooLarge, bomb.fields.length]).toEqual([true, 2 * 16])
  // What stands behind the limit is remembered nevertheless.
  expect(one.decode(hex('be')).fields).toEqual(['c', 'd'])
})

/** Bytes as they may stand in names and values. */
const latin1 = (options: { minLength?: number } = {}): fc.Arbitrary<string> =>
  fc.uint8Array({ ...options, maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

test('whatever is encoded is decoded to the same', () => {
  const names = fc.oneof(fc.constantFrom(':method', ':path', 'authorization', 'cookie', 'x-a'), latin1({ minLength: 1 }))
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.oneof(fc.constantFrom('GET', 'POST', '/'), latin1()))), (fields) => {
      const list = fields.flat()
      expect(decoder().decode(Buffer.from(encodeFields(list), 'latin1')).fields).toEqual(list)
    }),
  )
})

test('nothing makes the decoder throw anything but its own error, nor take long', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 4 }), (blocks) => {
      const one = decoder()
      try {
        for (const block of blocks) one.decode(Buffer.from(block))
      } catch (error) {
        expect(error).toBeInstanceOf(CompressionError)
      }
      expect(one.tableBytes).toBeLessThanOrEqual(4_096)
    }),
    { numRuns: 2_000 },
  )
})

test('no field may be remembered by anybody, but those that are in the static table whole', () => {
  const block = Buffer.from(
    encodeFields([':method', 'GET', ':path', '/?key=1', 'authorization', 'Bearer a', 'x-key', 'b']),
    'latin1',
  )
  expect(block.toString('hex')).toBe('8214072f3f6b65793d311f080842656172657220611005782d6b65790162')
})

test('every code of Huffman stands for its byte', () => {
  // From RFC 7541 Appendix B: the first and the last of several lengths.
  const codes: [string, string][] = [
    ['0'.repeat(5), '0'],
    ['01001', 't'],
    ['010100', ' '],
    ['1011100', ':'],
    ['11111000', '&'],
    ['1111111000', '!'],
    ['1'.repeat(13) + '00', '<'],
    ['1111111111111110000', '\\'],
    ['11111111111111100110', '\x80'],
    ['111111111111111111111111111100', '\n'],
    ['111111111111111111111111111110', '\x16'],
  ]
  for (const [bits, character] of codes) {
    const filled = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1')
    const bytes = Buffer.from((filled.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
    expect(decodeHuffman(bytes), bits).toBe(character)
  }
})

/* An encoder that we did not write: it uses its table, and the code where that is shorter. */
test('what the platform encodes is decoded to the same', async () => {
  const server = createServer()
  let answer: string[] = []
  server.on('stream', (stream) => {
    stream.respond([...answer] as never, { endStream: true })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const blocks = await blocksOf((server.address() as AddressInfo).port)
  const client = connect(`http://127.0.0.1:${blocks.port}`)
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const one = decoder()
  const value = fc.stringMatching(/^[!-~\x80-\xff]([ -~\x80-\xff]{0,60}[!-~])?$/)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.stringMatching(/^x-[a-z0-9-]{1,9}$/), value), { maxLength: 20 }), async (fields) => {
      answer = [':status', '200', ...fields.flat()]
      const before = blocks.blocks.length
      const stream = client.request()
      stream.on('error', () => {})
      stream.resume()
      await new Promise((resolve) => stream.on('close', resolve))
      const { fields: decoded } = one.decode(blocks.blocks[before] ?? Buffer.alloc(0))
      expect(decoded.filter((_, index) => decoded[index - (index % 2)] !== 'date')).toEqual(answer)
    }),
    { numRuns: 100 },
  )
})
