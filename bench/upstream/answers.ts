/** What a measured request looks like, and what has to come back. */
export interface Exchange {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Bytes of the request's body. */
  readonly bodyBytes: number
  readonly contentType: string
  readonly answer: Buffer
}

/** What a field of a request says that the upstream is to remember. */
export const probeMark = 'probe-of-the-benchmark'

/** Server-sent events: the first goes out at once, the second and last one this much later. */
export const secondEventAfterMs = 20
export const firstEvent = Buffer.from('data: {"order":"o-1","state":"accepted"}\n\n')
export const secondEvent = Buffer.from('data: {"order":"o-1","state":"delivered"}\n\n')

const json = 'application/json'
const order = Buffer.from(
  JSON.stringify({ id: 'o-1', state: 'accepted', rider: 'r-17', price: { amount: 1250, currency: 'EUR' } }),
)

/** Every exchange that is measured; what the upstream answers, and what the answers are compared with. */
export const exchanges = {
  small: { method: 'GET', path: '/v1/orders/o-1', bodyBytes: 0, contentType: json, answer: order },
  post: { method: 'POST', path: '/v1/orders', bodyBytes: 1024, contentType: json, answer: order },
  download: {
    method: 'GET',
    path: '/v1/receipts/64k',
    bodyBytes: 0,
    contentType: 'application/octet-stream',
    answer: Buffer.alloc(64 * 1024, 'receipt '),
  },
  upload: { method: 'POST', path: '/v1/scans', bodyBytes: 1024 * 1024, contentType: json, answer: order },
  events: {
    method: 'GET',
    path: '/v1/events',
    bodyBytes: 0,
    contentType: 'text/event-stream',
    answer: Buffer.concat([firstEvent, secondEvent]),
  },
} as const satisfies Readonly<Record<string, Exchange>>
