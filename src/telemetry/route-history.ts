import type { Instrument, Sample } from './instruments.ts'
import { requestSeconds } from './request-metrics.ts'

/** One piece of the history is so long. */
export const slotMs = 60_000
/** So many of them are kept: an hour. */
export const slotCount = 60

/** A timer may be early by so much. */
const earlyMs = 100

/** What is kept of each piece, before the cumulative counts of the histogram. */
const columns = { clientErrors: 0, serverErrors: 1, refusals: 2, replays: 3 } as const
const firstBucket = Object.keys(columns).length
const bounds = [...requestSeconds, Infinity]
const width = firstBucket + bounds.length
/** By what the metrics call the bound. */
const bucketColumns = new Map<unknown, number>(
  bounds.map((bound, index) => [bound === Infinity ? '+Inf' : bound, firstBucket + index]),
)

/** What went through a route in some time. */
export interface RouteFigures {
  readonly requests: number
  /** Answers with 4xx, those of callers that left included, and with 5xx. */
  readonly clientErrors: number
  readonly serverErrors: number
  /** Refused tokens, and how many of them the replay made up for. */
  readonly refusals: number
  readonly replays: number
  /** Milliseconds within which half, and 95 of 100, had their whole answer; estimated; undefined without requests. */
  readonly p50Ms: number | undefined
  readonly p95Ms: number | undefined
}

/**
 * What went through each route in the last hour, minute by minute. It is read off the metrics from time to time, so that a request pays
 * nothing for it; a route that nobody uses takes no room.
 */
export class RouteHistory {
  readonly #instruments: ReadonlyMap<string, Instrument>
  readonly #nowMs: () => number
  /** As of the last look: everything since the beginning. */
  readonly #totals = new Map<string, Float64Array>()
  readonly #routes = new Map<string, RouteSlots>()
  readonly #inFlight = new Map<string, number>()
  #slot = 0
  #slotEndsMs: number

  /**
   * @param instruments those of `Metrics`
   * @param nowMs a monotonic clock
   */
  constructor(instruments: readonly Instrument[], nowMs: () => number) {
    this.#instruments = new Map(instruments.map((instrument) => [instrument.name, instrument]))
    this.#nowMs = nowMs
    this.#slotEndsMs = nowMs() + slotMs
    this.look()
  }

  /** Reads the metrics. What has happened since the last look belongs to the piece that was open then. */
  look(): void {
    const totals = this.#read()
    for (const [route, now] of totals) {
      const before = this.#totals.get(route)
      // A route that has just been taken into use begins at zero.
      const added = before === undefined ? now : now.map((value, index) => Math.max(value - (before[index] ?? 0), 0))
      this.#totals.set(route, now)
      if (added.some((value) => value > 0)) this.#slotsOf(route).add(this.#slot, added)
    }
    const lateMs = this.#nowMs() + earlyMs - this.#slotEndsMs
    if (lateMs >= 0) this.#open(1 + Math.floor(lateMs / slotMs))
  }

  /** Forgets the routes that there are not any more. */
  keepOnly(routes: ReadonlySet<string>): void {
    for (const route of this.#routes.keys()) if (!routes.has(route)) this.#routes.delete(route)
  }

  /** Requests that are being served. */
  inFlight(route: string): number {
    return this.#inFlight.get(route) ?? 0
  }

  /** The last hour as a whole; undefined when nobody used the route. */
  lastHour(route: string): RouteFigures | undefined {
    const sums = this.#routes.get(route)?.sums
    return sums && figuresOf(sums)
  }

  /** The last hour of all routes together. */
  lastHourOfAll(): RouteFigures {
    const [first = new Float64Array(width), ...others] = [...this.#routes.values()].map(({ sums }) => sums)
    return figuresOf(first.map((value, index) => others.reduce((sum, other) => sum + (other[index] ?? 0), value)))
  }

  /** The last hour minute by minute, the one that is not over last; empty when nobody used the route. */
  minutes(route: string): RouteFigures[] {
    const slots = this.#routes.get(route)
    if (slots === undefined) return []
    return Array.from({ length: slotCount }, (_, index) => figuresOf(slots.at((this.#slot + 1 + index) % slotCount)))
  }

  #open(count: number): void {
    this.#slotEndsMs += count * slotMs
    for (let opened = 0; opened < Math.min(count, slotCount); opened++) {
      this.#slot = (this.#slot + 1) % slotCount
      for (const [route, slots] of this.#routes) {
        slots.clear(this.#slot)
        if (slots.isEmpty) this.#routes.delete(route)
      }
    }
  }

  #slotsOf(route: string): RouteSlots {
    let slots = this.#routes.get(route)
    if (slots === undefined) {
      slots = new RouteSlots()
      this.#routes.set(route, slots)
    }
    return slots
  }

  #read(): Map<string, Float64Array> {
    const totals = new Map<string, Float64Array>()
    let route = ''
    let total: Float64Array = new Float64Array()
    const add = ({ labels, value }: Sample, column: number): void => {
      // Samples of one route follow each other.
      if (labels['route'] !== route || total.length === 0) {
        route = String(labels['route'])
        total = totals.get(route) ?? new Float64Array(width)
        totals.set(route, total)
      }
      total[column] = (total[column] ?? 0) + value
    }
    for (const sample of this.#samples('bearerd_http_request_duration_seconds')) {
      const column = bucketColumns.get(sample.labels['le'])
      if (column !== undefined) add(sample, column)
    }
    for (const sample of this.#samples('bearerd_http_requests_total')) {
      const [firstDigit] = String(sample.labels['code'])
      if (firstDigit === '4') add(sample, columns.clientErrors)
      if (firstDigit === '5') add(sample, columns.serverErrors)
    }
    for (const sample of this.#samples('bearerd_replays_total')) {
      add(sample, columns.refusals)
      if (sample.labels['outcome'] === 'accepted') add(sample, columns.replays)
    }
    this.#inFlight.clear()
    for (const { labels, value } of this.#samples('bearerd_http_requests_in_flight'))
      this.#inFlight.set(String(labels['route']), value)
    return totals
  }

  #samples(name: string): Sample[] {
    const instrument = this.#instruments.get(name)
    if (instrument === undefined) throw new TypeError(`there is no metric ${name}`)
    return instrument.samples()
  }
}

/** The pieces of one route, one after the other in one array, and their sums. */
class RouteSlots {
  readonly #values = new Uint32Array(width * slotCount)
  readonly sums = new Float64Array(width)

  get isEmpty(): boolean {
    return this.sums.every((sum) => sum === 0)
  }

  at(slot: number): Uint32Array {
    return this.#values.subarray(slot * width, (slot + 1) * width)
  }

  add(slot: number, added: Float64Array): void {
    const values = this.at(slot)
    for (const [index, value] of added.entries()) {
      values[index] = (values[index] ?? 0) + value
      this.sums[index] = (this.sums[index] ?? 0) + value
    }
  }

  clear(slot: number): void {
    const values = this.at(slot)
    for (const [index, value] of values.entries()) this.sums[index] = (this.sums[index] ?? 0) - value
    values.fill(0)
  }
}

function figuresOf(row: Iterable<number>): RouteFigures {
  const [clientErrors = 0, serverErrors = 0, refusals = 0, replays = 0, ...cumulative] = row
  const requests = cumulative.at(-1) ?? 0
  const quantile = (share: number): number | undefined => (requests === 0 ? undefined : 1000 * quantileOf(share, cumulative))
  return { requests, clientErrors, serverErrors, refusals, replays, p50Ms: quantile(0.5), p95Ms: quantile(0.95) }
}

/** Within a bucket values are taken to lie evenly; of what is above the last bound, nothing is known but the bound. */
function quantileOf(share: number, cumulative: readonly number[]): number {
  const rank = share * (cumulative.at(-1) ?? 0)
  const index = cumulative.findIndex((count) => count >= rank)
  const [lower = 0, upper = 0] = [bounds[index - 1], bounds[index]]
  if (upper === Infinity) return lower
  const below = cumulative[index - 1] ?? 0
  return lower + ((upper - lower) * (rank - below)) / Math.max((cumulative[index] ?? 0) - below, 1)
}
