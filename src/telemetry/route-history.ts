import type { Instrument, Sample } from './instruments.ts'

/** One piece of the history is so long. */
export const slotMs = 60_000
/** So many of them are kept: an hour. */
export const slotCount = 60

/** A timer may be early by so much. */
const earlyMs = 100

/** What is kept of each piece, before the cumulative counts of the histogram. */
const columns = ['clientErrors', 'serverErrors', 'refusals', 'replays'] as const

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
  /** Of the histogram's buckets, in seconds. */
  #bounds: readonly number[] = []
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
      if (added.some((value) => value > 0)) this.#slotsOf(route, added.length).add(this.#slot, added)
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
    return sums && this.#figures(sums)
  }

  /** The last hour of all routes together. */
  lastHourOfAll(): RouteFigures {
    const [first = new Float64Array(columns.length), ...others] = [...this.#routes.values()].map(({ sums }) => sums)
    return this.#figures(first.map((value, index) => others.reduce((sum, other) => sum + (other[index] ?? 0), value)))
  }

  /** The last hour minute by minute, the one that is not over last; empty when nobody used the route. */
  minutes(route: string): RouteFigures[] {
    const slots = this.#routes.get(route)
    if (slots === undefined) return []
    return Array.from({ length: slotCount }, (_, index) => this.#figures(slots.at((this.#slot + 1 + index) % slotCount)))
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

  #slotsOf(route: string, width: number): RouteSlots {
    let slots = this.#routes.get(route)
    if (slots === undefined) {
      slots = new RouteSlots(width)
      this.#routes.set(route, slots)
    }
    return slots
  }

  #read(): Map<string, Float64Array> {
    const buckets = this.#samples('bearerd_http_request_duration_seconds').filter(({ labels }) => labels['le'] !== undefined)
    this.#bounds = [...new Set(buckets.map(({ labels }) => boundOf(labels['le'])))].sort((a, b) => a - b)
    const width = columns.length + this.#bounds.length
    const at = new Map(this.#bounds.map((bound, index) => [bound, columns.length + index]))
    const totals = new Map<string, Float64Array>()
    const add = (route: unknown, column: number, value: number): void => {
      const total = totals.get(String(route)) ?? new Float64Array(width)
      totals.set(String(route), total)
      total[column] = (total[column] ?? 0) + value
    }
    for (const { labels, value } of buckets) add(labels['route'], at.get(boundOf(labels['le'])) ?? width, value)
    for (const { labels, value } of this.#samples('bearerd_http_requests_total')) {
      const [firstDigit] = String(labels['code'])
      if (firstDigit === '4') add(labels['route'], 0, value)
      if (firstDigit === '5') add(labels['route'], 1, value)
    }
    for (const { labels, value } of this.#samples('bearerd_replays_total')) {
      add(labels['route'], 2, value)
      if (labels['outcome'] === 'accepted') add(labels['route'], 3, value)
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

  #figures(row: Iterable<number>): RouteFigures {
    const [clientErrors = 0, serverErrors = 0, refusals = 0, replays = 0, ...cumulative] = row
    const requests = cumulative.at(-1) ?? 0
    const quantile = (share: number): number | undefined =>
      requests === 0 ? undefined : 1000 * quantileOf(share, cumulative, this.#bounds)
    return { requests, clientErrors, serverErrors, refusals, replays, p50Ms: quantile(0.5), p95Ms: quantile(0.95) }
  }
}

/** The pieces of one route, one after the other in one array, and their sums. */
class RouteSlots {
  readonly #width: number
  readonly #values: Uint32Array
  readonly sums: Float64Array

  constructor(width: number) {
    this.#width = width
    this.#values = new Uint32Array(width * slotCount)
    this.sums = new Float64Array(width)
  }

  get isEmpty(): boolean {
    return this.sums.every((sum) => sum === 0)
  }

  at(slot: number): Uint32Array {
    return this.#values.subarray(slot * this.#width, (slot + 1) * this.#width)
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

function boundOf(le: unknown): number {
  return le === '+Inf' ? Infinity : Number(le)
}

/** Within a bucket values are taken to lie evenly; of what is above the last bound, nothing is known but the bound. */
function quantileOf(share: number, cumulative: readonly number[], bounds: readonly number[]): number {
  const rank = share * (cumulative.at(-1) ?? 0)
  const index = cumulative.findIndex((count) => count >= rank)
  const [lower = 0, upper = 0] = [bounds[index - 1], bounds[index]]
  if (upper === Infinity) return lower
  const below = cumulative[index - 1] ?? 0
  return lower + ((upper - lower) * (rank - below)) / Math.max((cumulative[index] ?? 0) - below, 1)
}
