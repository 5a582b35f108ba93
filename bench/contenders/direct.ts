import type { Contender } from './contender.ts'

/** No proxy: callers send the token themselves. What the others are compared with. */
export const direct: Contender = {
  name: 'direct',
  about: 'no proxy; callers send the token themselves',
  version: () => '',
  start: async ({ upstream, authorization }) => ({
    name: 'direct',
    base: upstream.origin,
    ...(upstream.ca !== undefined && { ca: upstream.ca }),
    fields: { Authorization: authorization },
    pid: undefined,
    stop: async () => {},
  }),
}
