import { describe, expect, it } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'
import { rawCaller } from '../support/raw-caller.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const sent = `00-${traceId}-00f067aa0ba902b7-00`

interface Played {
  readonly api: Provider
  readonly gateway: TestGateway
  /** Sends a request with these lines in its head, and says which trace fields arrived: name and value, as spelt. */
  call(...lines: readonly string[]): Promise<string[]>
}

async function play(tracing: object | undefined, route: Record<string, unknown> = {}): Promise<Played> {
  const api = await provider()
  const top = tracing === undefined ? {} : { tracing }
  const gateway = await startApiGateway(api.url, api.tokens.url, { top, route })
  return {
    api,
    gateway,
    call: async (...lines) => {
      const head = ['GET /api/orders HTTP/1.1', `Host: localhost:${gateway.port}`, 'Connection: close', ...lines]
      const caller = await rawCaller(gateway.port)
      caller.send(`${head.join('\r\n')}\r\n\r\n`)
      await caller.ended()
      expect(caller.text).toContain('200 OK')
      return traceFieldsOf(api)
    },
  }
}

function traceFieldsOf({ calls }: Provider): string[] {
  const fields = calls.at(-1)?.rawHeaders ?? []
  return fields.flatMap((name, index) => (index % 2 === 0 && /^trace/i.test(name) ? [`${name}: ${fields[index + 1]}`] : []))
}

function lastLine({ log }: TestGateway): Record<string, unknown> | undefined {
  return log.findLast(({ message }) => message === 'request')
}

describe('tracing.traceparent: pass', () => {
  it('is the default: what the caller says of its trace arrives as it was sent, and the access log names the trace', async () => {
    const { call, gateway } = await play(undefined)
    expect(await call(`TraceParent: ${sent}`, 'tracestate: a=1', 'Tracestate: b=2')).toEqual([
      `TraceParent: ${sent}`,
      'tracestate: a=1',
      'Tracestate: b=2',
    ])
    expect(lastLine(gateway)).toMatchObject({ trace_id: traceId })
  })

  it('adds nothing to a request that belongs to no trace', async () => {
    const { call, gateway } = await play(undefined)
    expect(await call()).toEqual([])
    expect(lastLine(gateway)).not.toHaveProperty('trace_id')
  })

  it('passes nonsense on, and does not log it', async () => {
    const { call, gateway } = await play({ traceparent: 'pass' })
    expect(await call('traceparent: canary"nonsense')).toEqual(['traceparent: canary"nonsense'])
    expect(JSON.stringify(gateway.log)).not.toContain('canary')
  })

  it('takes no notice of a trace that is said twice', async () => {
    const { call, gateway } = await play(undefined)
    expect(await call(`traceparent: ${sent}`, `traceparent: ${sent}`)).toHaveLength(2)
    expect(lastLine(gateway)).not.toHaveProperty('trace_id')
  })
})

describe('tracing.traceparent: make', () => {
  it('begins a trace where the caller has none, and says so in the access log', async () => {
    const { call, gateway } = await play({ traceparent: 'make' })
    const [field = '', ...rest] = await call()
    expect(field).toMatch(/^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(rest).toEqual([])
    expect(lastLine(gateway)).toMatchObject({ trace_id: field.slice('traceparent: 00-'.length).slice(0, 32) })
    expect(await call()).not.toEqual([field])
  })

  it("leaves a caller's own trace as it is", async () => {
    const { call } = await play({ traceparent: 'make' })
    expect(await call(`traceparent: ${sent}`, 'tracestate: a=1')).toEqual([`traceparent: ${sent}`, 'tracestate: a=1'])
  })

  it('replaces what says nothing, with the state that came with it', async () => {
    const { call } = await play({ traceparent: 'make' })
    const fields = await call('traceparent: nonsense', 'tracestate: a=1')
    expect(fields).toEqual([expect.stringMatching(/^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)])
  })

  it('is the same trace when the request is sent once more', async () => {
    const { call, api } = await play({ traceparent: 'make' })
    await call()
    api.tokens.revokeAll()
    await call()
    const made = api.calls.slice(-2).map(({ headers }) => headers['traceparent'])
    expect(api.calls).toHaveLength(3)
    expect(made[0]).toBe(made[1])
  })

  it('adds nothing where the route removes it or says it itself', async () => {
    const removing = await play({ traceparent: 'make' }, { headers: { remove: ['TraceParent'] } })
    expect(await removing.call()).toEqual([])
    const setting = await play({ traceparent: 'make' }, { headers: { set: { traceparent: sent } } })
    expect(await setting.call()).toEqual([`traceparent: ${sent}`])
  })
})

describe('tracing.traceparent: off', () => {
  it('keeps the trace from the upstream, but not from the access log', async () => {
    const { call, gateway } = await play({ traceparent: 'off' })
    expect(await call(`TRACEPARENT: ${sent}`, 'TraceState: a=1', 'tracing: mine')).toEqual([])
    expect(lastLine(gateway)).toMatchObject({ trace_id: traceId })
  })
})
