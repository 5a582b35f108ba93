import dns from 'node:dns'
import { Socket } from 'node:net'
import { onTestFinished, vi } from 'vitest'

/** The connections that this process opens, ours and those of the gateway under test. */
export interface OutgoingConnections {
  /** `HOST:PORT` of each attempt, in order. */
  readonly places: string[]
  /** Those to other places than these, which a test has for itself. @param urls of the test's own servers */
  except(...urls: readonly string[]): string[]
}

/**
 * Watches every connection that is opened until the test ends, and has every name resolve to this machine: what goes to a place
 * where it must not go, arrives here.
 * @param addresses what names resolve to
 */
export function watchConnections(
  addresses: readonly { readonly address: string; readonly family: number }[] = [{ address: '127.0.0.1', family: 4 }],
): OutgoingConnections {
  const places: string[] = []
  const { prototype } = Socket
  const connect = Object.getOwnPropertyDescriptor(prototype, 'connect')?.value as (...args: unknown[]) => Socket
  const watch = vi.spyOn(prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]): Socket {
    const [given] = args
    // The platform hands over the arguments of `connect`, normalized, in a list of their own.
    const [options] = Array.isArray(given) ? (given as unknown[]) : [given]
    const { host = '', port = '' } = (typeof options === 'object' ? options : {}) as { host?: string; port?: number }
    places.push(`${host}:${port}`)
    return connect.apply(this, args)
  })
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
    _name: string,
    options: { all?: boolean },
    callback: (error: null, address: unknown, family?: number) => void,
  ) => {
    if (options.all === true) process.nextTick(callback, null, addresses)
    else process.nextTick(callback, null, addresses[0]?.address, addresses[0]?.family)
  }) as typeof dns.lookup)
  onTestFinished(() => {
    watch.mockRestore()
    lookup.mockRestore()
  })
  return {
    places,
    except: (...urls) => {
      const own = urls.map((url) => new URL(url).host)
      return places.filter((place) => !own.includes(place))
    },
  }
}
