import type { TestGateway } from './gateway.ts'

/** Asks again and again until the answer is yes. @throws Error after `ms` milliseconds */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>, ms = 2_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Waits until a gateway serves nothing any more: whatever happened, every request must be accounted for in the end. */
export async function settledGateway(gateway: TestGateway, ms = 2_000): Promise<void> {
  await eventually(
    'no request in flight',
    async () => ((await gateway.metric('bearerd_http_requests_in_flight{route="/api"}')) ?? 0) === 0,
    ms,
  )
}

/** A promise and how to keep it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
