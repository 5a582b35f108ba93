import type { ChannelEnd } from '../../src/workers/link.ts'

/** Two ends of a channel within one process; what goes over it becomes JSON on the way, as between processes. */
export function channelPair(): { readonly ends: readonly [ChannelEnd, ChannelEnd]; readonly close: () => void } {
  const listeners: ((message: unknown) => void)[] = []
  const closers: (() => void)[] = []
  const end = (own: number): ChannelEnd => ({
    send: (message) => {
      const text = JSON.stringify(message)
      queueMicrotask(() => listeners[1 - own]?.(JSON.parse(text)))
    },
    onMessage: (listener) => void (listeners[own] = listener),
    onClose: (listener) => void closers.push(listener),
  })
  return {
    ends: [end(0), end(1)],
    close: () => {
      for (const close of closers) close()
    },
  }
}
