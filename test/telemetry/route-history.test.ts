import { describe, expect, it } from 'vitest'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { RouteHistory, slotCount, slotMs } from '../../src/telemetry/route-history.ts'

function historyUnderTest() {
  const metrics = new Metrics('1.2.3')
  let nowMs = 1_000
  const history = new RouteHistory(metrics.instruments, () => nowMs)
  const serve = (route: string, status: number, seconds: number, count = 1): void => {
    const numbers = metrics.forRoute(route)
    for (let served = 0; served < count; served++) {
      numbers.countRequest('GET', status)
      numbers.duration.observe(seconds)
    }
  }
  const pass = (ms: number): void => {
    nowMs += ms
    history.look()
  }
  return { metrics, history, serve, pass }
}

describe('the history of the routes', () => {
  it('says of each minute what went through a route, the running one last', () => {
    const { metrics, history, serve, pass } = historyUnderTest()
    serve('/a', 200, 0.02, 3)
    pass(slotMs)
    serve('/a', 200, 0.02, 2)
    serve('/a', 404, 0.02)
    serve('/a', 499, 0.02)
    serve('/a', 503, 0.02)
    metrics.forRoute('/a').countReplay('accepted')
    metrics.forRoute('/a').countReplay('refused')
    history.look()
    const minutes = history.minutes('/a')
    expect(minutes).toHaveLength(slotCount)
    expect(minutes.slice(-3).map(({ requests }) => requests)).toEqual([0, 3, 5])
    expect(minutes.at(-1)).toMatchObject({ requests: 5, clientErrors: 2, serverErrors: 1, refusals: 2, replays: 1 })
    expect(history.lastHour('/a')).toMatchObject({ requests: 8, clientErrors: 2, serverErrors: 1, refusals: 2, replays: 1 })
  })

  it('counts what happened before a look to the minute that was open then, though the timer is a little early or late', () => {
    const { history, serve, pass } = historyUnderTest()
    serve('/a', 200, 0.02, 4)
    pass(slotMs - 5)
    serve('/a', 200, 0.02, 7)
    pass(slotMs + 20)
    expect(
      history
        .minutes('/a')
        .slice(-3)
        .map(({ requests }) => requests),
    ).toEqual([4, 7, 0])
  })

  it('estimates within which time half and 95 of 100 had their answer', () => {
    const { history, serve } = historyUnderTest()
    serve('/a', 200, 0.03, 90)
    serve('/a', 200, 0.3, 10)
    history.look()
    const { p50Ms = 0, p95Ms = 0 } = history.lastHour('/a') ?? {}
    expect(p50Ms).toBeGreaterThan(25)
    expect(p50Ms).toBeLessThanOrEqual(50)
    expect(p95Ms).toBeGreaterThan(250)
    expect(p95Ms).toBeLessThanOrEqual(500)
  })

  it('says no more than the last bound of what took longer', () => {
    const { history, serve } = historyUnderTest()
    serve('/a', 200, 4_000)
    history.look()
    expect(history.lastHour('/a')).toMatchObject({ p50Ms: 60_000, p95Ms: 60_000 })
  })

  it('forgets what is longer ago than an hour, and keeps nothing of a route that nobody uses', () => {
    const { history, serve, pass } = historyUnderTest()
    serve('/a', 200, 0.02)
    pass(slotMs)
    serve('/a', 200, 0.02, 2)
    for (let minute = 0; minute < slotCount - 1; minute++) pass(slotMs)
    expect(history.lastHour('/a')).toMatchObject({ requests: 2 })
    pass(slotMs)
    expect(history.lastHour('/a')).toBeUndefined()
    expect(history.minutes('/a')).toEqual([])
    expect(history.lastHourOfAll()).toMatchObject({ requests: 0, p50Ms: undefined })
  })

  it('takes a machine that slept longer than that for an hour without requests', () => {
    const { history, serve, pass } = historyUnderTest()
    serve('/a', 200, 0.02)
    history.look()
    pass(1_000 * slotMs)
    expect(history.lastHour('/a')).toBeUndefined()
    serve('/a', 200, 0.02)
    pass(slotMs)
    expect(history.lastHour('/a')).toMatchObject({ requests: 1 })
  })

  it('adds up all routes, and those requests that match none', () => {
    const { history, serve } = historyUnderTest()
    serve('/a', 200, 0.02, 3)
    serve('/b', 500, 0.02, 2)
    serve('none', 404, 0.001)
    history.look()
    expect(history.lastHourOfAll()).toMatchObject({ requests: 6, clientErrors: 1, serverErrors: 2 })
  })

  it('has a route that a reload brings back begin anew, whatever its counters were', () => {
    const { history, serve } = historyUnderTest()
    serve('/a', 200, 0.02, 5)
    history.look()
    history.keepOnly(new Set(['/b']))
    expect(history.lastHour('/a')).toBeUndefined()
    serve('/a', 200, 0.02)
    history.look()
    expect(history.lastHour('/a')).toMatchObject({ requests: 1 })
  })

  it('never counts backwards where a worker has taken some of its numbers with it', () => {
    const { metrics, history, serve } = historyUnderTest()
    serve('/a', 200, 0.02, 5)
    history.look()
    metrics.forRoute('/a').duration.counts.fill(0)
    history.look()
    expect(history.lastHour('/a')).toMatchObject({ requests: 5 })
  })

  it('shows what is being served', () => {
    const { metrics, history } = historyUnderTest()
    metrics.forRoute('/a').inFlight.value = 3
    history.look()
    expect(history.inFlight('/a')).toBe(3)
    expect(history.inFlight('/b')).toBe(0)
  })
})
