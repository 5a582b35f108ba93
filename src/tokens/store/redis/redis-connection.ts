import type { Secret } from '../../../config/secret.ts'
import type { RedisTls } from '../../../config/schema/token-store.ts'
import { RedisTimeoutError, RedisUrlError } from './redis-trouble.ts'

/** Where Redis is, and what the connection is told. */
export interface RedisConnectionParts {
  /** `redis://USER:PASSWORD@HOST:PORT/DATABASE`; `rediss://` speaks TLS. */
  readonly url: Secret
  readonly tls: RedisTls | undefined
  /** The channel to listen on. */
  readonly channel: string
  readonly onMessage: (message: string) => void
  /** The connection has ended, and not because it was told to. */
  readonly onLost: (error: Error) => void
}

/** A connection that has proved who it is and listens. */
export interface RedisConnection {
  /** Runs a script. @throws the client library's errors */
  run(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown>
  /** Ends it at once; what is under way fails. */
  destroy(): void
}

/**
 * Connects. Secrets and certificates are revealed at this moment, so that each connection is made with those of now; the client
 * library, which not everybody needs, is loaded with the first one. It never reconnects by itself.
 * @param deadlineMs for all of it
 * @throws RedisTimeoutError, and the errors of the client library and of the platform
 */
export async function connectToRedis(parts: RedisConnectionParts, deadlineMs: number): Promise<RedisConnection> {
  const { createClient } = await import('@redis/client')
  const { hostname, port, username, password, pathname } = new URL(parts.url.reveal())
  const database = pathname.replace(/^\//, '')
  if (!/^\d*$/.test(database)) throw new RedisUrlError('its URL names no database by number')
  const client = createClient({
    RESP: 3,
    name: 'bearerd',
    // Without a name it is the default user's password.
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    database: Number(database),
    socket: {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 6379 : Number(port),
      connectTimeout: deadlineMs,
      reconnectStrategy: false,
      ...tlsOptions(parts),
    },
    disableOfflineQueue: true,
    // Commands that a user with few rights may not be allowed, and that nothing here needs.
    disableClientInfo: true,
    maintNotifications: 'disabled',
  })
  let isOver = false
  client.on('error', (error: Error) => {
    if (isOpen && !isOver) parts.onLost(error)
  })
  const connection: RedisConnection = {
    run: (script, keys, values) => client.eval(script, { keys: [...keys], arguments: [...values] }),
    destroy: () => {
      if (isOver) return
      isOver = true
      client.destroy()
    },
  }

  let isOpen = false
  let isLate = false
  // Nobody waits for a connection that is only being made; one that is there is ended by whoever made it.
  client.unref()
  const timer = setTimeout(() => {
    isLate = true
    connection.destroy()
  }, deadlineMs).unref()
  try {
    await client.connect()
    await client.subscribe(parts.channel, (message) => parts.onMessage(message))
    client.ref()
    isOpen = true
    return connection
  } catch (error) {
    connection.destroy()
    throw isLate ? new RedisTimeoutError(`it does not answer within ${deadlineMs} ms`) : error
  } finally {
    clearTimeout(timer)
  }
}

function tlsOptions({ url, tls }: RedisConnectionParts) {
  if (!url.reveal().startsWith('rediss:')) return {}
  const { ca, cert, key, server_name } = tls ?? {}
  return {
    tls: true as const,
    // Said here, because a variable of Node.js (NODE_TLS_REJECT_UNAUTHORIZED) could say otherwise.
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca: ca.reveal() }),
    ...(cert !== undefined && { cert: cert.reveal() }),
    ...(key !== undefined && { key: key.reveal() }),
    ...(server_name !== undefined && { servername: server_name }),
  }
}
