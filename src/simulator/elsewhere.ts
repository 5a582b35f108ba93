import { closeServer, createPatientServer, listen } from './listener.ts'

/**
 * The hosts that provider bodies point at (receipts, recordings, images): another origin, on another port. No token may ever
 * arrive here.
 */
export interface Elsewhere {
  readonly url: string
  /** Requests that carried an Authorization field since the start or the last reset. Anything but 0 is a leak. */
  readonly tokensSeen: number
  /** All requests, with or without a token. */
  readonly requests: number
}

/** Starts it on a free port of `host`. */
export async function startElsewhere(host: string): Promise<Elsewhere & { reset(): void; close(): Promise<void> }> {
  const counts = { requests: 0, tokensSeen: 0 }
  const server = createPatientServer((request, response) => {
    counts.requests += 1
    const carriesToken = request.headers.authorization !== undefined
    if (carriesToken) counts.tokensSeen += 1
    request.resume()
    // As object stores do, which refuse a presigned URL together with an Authorization field.
    response.writeHead(carriesToken ? 400 : 200, { 'Content-Type': 'text/plain' })
    response.end(carriesToken ? 'This host must never see a token.\n' : `The file ${request.url ?? ''}\n`)
  })
  const url = await listen(server, host, 0)
  return {
    url,
    get requests() {
      return counts.requests
    },
    get tokensSeen() {
      return counts.tokensSeen
    },
    reset: () => void Object.assign(counts, { requests: 0, tokensSeen: 0 }),
    close: () => closeServer(server),
  }
}
