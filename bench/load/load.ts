/** What is sent again and again. */
export interface LoadTarget {
  /** Origin and prefix of the proxy, such as `http://127.0.0.1:8080/api`. */
  readonly base: string
  /** The authority to trust when it speaks TLS. */
  readonly ca: string | undefined
  readonly method: string
  readonly path: string
  /** Fields that every request carries. */
  readonly fields: Readonly<Record<string, string>>
  readonly bodyBytes: number
}

/** How it is sent. */
export type Pattern =
  /** Each connection sends its next request when it has the answer to the last one. */
  | { readonly kind: 'closed'; readonly connections: number; readonly ms: number }
  /** The same, where the time to the first byte of the answer's body matters: with our own load, since wrk does not know it. */
  | { readonly kind: 'streams'; readonly connections: number; readonly ms: number }
  /** So many requests a second, on as many connections as that takes, whether or not answers come. */
  | { readonly kind: 'steady'; readonly perSecond: number; readonly ms: number }
  /** One request on each of so many connections, which are all open before, at once. */
  | { readonly kind: 'burst'; readonly connections: number }

/** What came of it. */
export interface LoadResult {
  /** Requests that were answered with 200, whole. */
  readonly answered: number
  /** Requests that were not, also connections that broke. */
  readonly failed: number
  readonly seconds: number
  /** From the request's last byte to the first byte of the answer's body, in milliseconds; unknown with wrk. */
  readonly firstByteMs: Quantiles | undefined
  /** To the last byte. */
  readonly tookMs: Quantiles | undefined
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
}
