import { describe, expect, test } from 'vitest'
import type { Attempt } from '../../../src/proxy/upstream/attempt.ts'
import type { Http2Pool } from '../../../src/proxy/upstream/http2/http2-pool.ts'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { frameTypes, frameUpstream } from '../../support/http2-frames.ts'
import type { Frame, FrameConnection, FrameUpstream } from '../../support/http2-frames.ts'
import { eventually } from '../../support/proxy-wait.ts'
import { attempt, http2PoolTo } from '../../support/upstream-client.ts'

/** An upstream of frames that lets each stream send much, but opens the window of the connection only where a test does so. */
async function scripted(
  onFrame: (frame: Frame, connection: FrameConnection) => void = () => {},
  options: Parameters<typeof http2PoolTo>[2] = {},
): Promise<{ upstream: FrameUpstream; pool: Http2Pool; connections: FrameConnection[] }> {
  const authority = certificateAuthority()
  const connections: FrameConnection[] = []
  const upstream = await frameUpstream(authority.issue('server'), (frame, connection) => {
    if (!connections.includes(connection)) {
      connections.push(connection)
      connection.send('settings', 0, 0, settingsOf([initialWindowSize, 1024 ** 2]))
    }
    onFrame(frame, connection)
  })
  return { upstream, pool: http2PoolTo(upstream.url, authority.cert, options), connections }
}

const maxConcurrentStreams = 3
const initialWindowSize = 4

function settingsOf(...settings: readonly (readonly [identifier: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length)
  for (const [index, [identifier, value]] of settings.entries()) {
    payload.writeUInt16BE(identifier, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  }
  return payload
}

const heads = ({ frames }: FrameUpstream): string[] =>
  frames.filter(({ type }) => type === frameTypes.headers).map(({ connection, stream }) => `${connection}/${stream}`)

const bodies = ({ frames }: FrameUpstream): (Frame & { readonly connection: number })[] =>
  frames.filter(({ type }) => type === frameTypes.data)

const bytesOf = (upstream: FrameUpstream): number => bodies(upstream).reduce((sum, { payload }) => sum + payload.length, 0)

/** As large as the window of a connection is at first (RFC 9113 6.9.2). */
const window = 65_535
const frame = 16_384

/** Starts an upload that is not ended. */
function upload(pool: Http2Pool, bytes: number): Attempt {
  const asked = attempt(pool, { method: 'POST', contentLength: 1024 ** 2 })
  asked.write(Buffer.alloc(bytes))
  return asked
}

describe.skipIf(!hasOpenssl)('uploads that wait for the window of their connection', () => {
  test('get a frame each in turn, also where the upstream takes no more than one at a time', async () => {
    const { upstream, pool, connections } = await scripted()
    upload(pool, window + 4 * frame)
    await eventually('the window is used up', () => bytesOf(upstream) === window)
    upload(pool, 4 * frame)
    upload(pool, 10)
    await eventually('they are there', () => heads(upstream).length === 3)
    const served: string[] = []
    for (let nth = 1; nth <= 5; nth++) {
      const before = bodies(upstream).length
      connections[0]?.send('windowUpdate', 0, 0, connections[0].code(frame))
      await eventually('it is used', () => bytesOf(upstream) >= Math.min(window + nth * frame, window + 8 * frame))
      served.push(...bodies(upstream).slice(before).map(({ stream }) => String(stream)))
    }
    expect(served.slice(0, 3)).toEqual(['1', '3', '5'])
    expect(new Set(served.slice(3, 5))).toEqual(new Set(['1', '3']))
  })
})
