import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { totalmem } from 'node:os'
import { createAdminListener } from '../admin/admin-listener.ts'
import type { Config } from '../config/config.ts'
import { formatAddress, isSocketFile } from '../config/schema/listen.ts'
import type { ListenAddress } from '../config/schema/listen.ts'
import { listenOn } from '../proxy/caller/listen-on.ts'
import { createWebServer } from '../proxy/caller/web-server.ts'
import type { Expose } from '../telemetry/exposition.ts'
import type { Log } from '../telemetry/log.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { findTracer } from '../telemetry/tracer.ts'
import { createTokenService } from '../token-service/token-service.ts'
import { hasTokenService } from '../token-service/token-service-config.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import type { DataPath } from '../workers/data-path.ts'
import { WorkerProblemsError } from '../workers/data-path.ts'
import { OperationError } from './command.ts'
import { followRoutes } from './follow-routes.ts'
import { makeDataPath } from './make-data-path.ts'
import { openTokens } from './open-tokens.ts'
import { createReload } from './reload.ts'
import type { Reload } from './reload.ts'

/** How long the provider may take to take tokens back, at the end. */
const handBackMs = 5_000

/** A gateway that runs. */
export interface RunningGateway {
  /** Where callers connect, as a base URL; `unix:/path` for a socket. */
  readonly url: string
  readonly adminUrl: string
  /** Where other proxies get tokens; undefined where they cannot. */
  readonly tokenServiceUrl: string | undefined
  readonly tokens: TokenSources
  /** Reads the configuration again; undefined where it does not come from a file. */
  readonly reload: Reload | undefined
  /** Stops as the configuration says: readiness first, then no new connections, open requests to their end. */
  stop(): Promise<void>
}

/**
 * The composition root: builds everything once, from the configuration, and starts it.
 * @param read reads the configuration again, for a reload
 * @throws OperationError when an address cannot be listened on, or tokens cannot be kept where they should be
 */
export async function startGateway(first: Config, log: Log, version: string, read?: () => Config): Promise<RunningGateway> {
  let config = first
  const metrics = new Metrics(version)
  const tracer = await findTracer(version)
  const opened = await openTokens(config, { metrics, log, version, tracer })
  const { tokens } = opened
  const dataPath = await makeDataPath({ config, tokens, metrics, log, tracer })
  const tokenService = hasTokenService(first) ? createTokenService(first, { tokens, metrics, log }) : undefined
  const routes = followRoutes(dataPath)

  let lastReload = { atEpochMs: Date.now(), isUsed: true, problems: [] as readonly string[] }
  const keepWarm = (): void => {
    for (const [name, source] of tokens.entries()) {
      if (config.admin.ready_when === 'tokens' || config.credentials.get(name)?.keep_warm === true) source.keepWarm()
    }
  }
  const use = async (next: Config): Promise<void> => {
    // What can fail comes first, so that nothing is ever half taken into use. In one process there is nothing to wait for.
    const preparing = dataPath.prepare(next)
    const { commit } = preparing instanceof Promise ? await preparing : preparing
    tokens.use(next.credentials)
    config = next
    if (hasTokenService(next)) tokenService?.use(next)
    await commit()
    routes.history.keepOnly(labelsOf(next))
    keepWarm()
  }
  const reread = read && createReload({ read, current: () => config, use, metrics, log })
  const reload: Reload | undefined =
    reread &&
    (async (cause) => {
      const result = await reread(cause)
      lastReload = { atEpochMs: Date.now(), ...result }
      return result
    })

  let isOpen = false
  let isDraining = false
  const adminListener = createAdminListener({
    version,
    log,
    startedEpochMs: Date.now(),
    get config() {
      return config
    },
    tokens,
    recentRequests: async () => await dataPath.recentRequests(),
    routeHistory: routes.history,
    readiness: () => ({
      config: isOpen,
      ...(config.admin.ready_when === 'tokens' && { tokens: haveTokens(tokens) }),
      ...(config.workers > 1 && { workers: dataPath.isServing }),
      not_draining: !isDraining,
    }),
    expose: exposeLazily(dataPath),
    reload: reload && (async () => await reload('admin')),
    lastReload: () => lastReload,
  })
  metrics.recordReload(true, Date.now())
  metrics.showMemoryLimit(memoryLimit())

  const { tls: adminTls, listen: adminListen } = config.admin
  const secure = adminTls && { tls: adminTls, key: 'admin.tls', handshakeTimeoutMs: config.limits.header_time }
  const { server: admin, endHandshakes } = createWebServer({}, secure, log)
  admin.on('request', adminListener)
  const release = async (): Promise<void> => {
    routes.end()
    await opened.close()
    admin.closeAllConnections()
    endHandshakes()
    await new Promise((resolve) => admin.close(resolve))
  }
  const listening = async (opening: Promise<ListenAddress>, address: ListenAddress, key: string): Promise<ListenAddress> =>
    await opening.catch(async (error: unknown) => {
      tokens.close()
      // What is open already would keep the process alive.
      await tokenService?.close(0)
      await release()
      throw listenError(error, address, key)
    })
  const adminAddress = await listening(listenOn(admin, adminListen), adminListen, 'admin.listen')
  const { listen: serviceListen, tls: serviceTls } = first.token_service ?? {}
  const serviceAddress =
    serviceListen && tokenService && (await listening(tokenService.open(), serviceListen, 'token_service.listen'))
  const address = await listening(dataPath.open(), config.listen, 'listen')
  isOpen = true
  keepWarm()
  const url = baseUrl(address, config.tls)
  const adminUrl = baseUrl(adminAddress, adminTls)
  const tokenServiceUrl = serviceAddress && baseUrl(serviceAddress, serviceTls)
  const { workers } = config
  log.info(
    {
      listen: url,
      admin: adminUrl,
      token_service: tokenServiceUrl,
      config: config.file,
      version,
      ...(workers > 1 && { workers }),
    },
    'bearerd is serving',
  )

  return {
    url,
    adminUrl,
    tokenServiceUrl,
    tokens,
    reload,
    stop: async () => {
      isDraining = true
      log.info({ delay_ms: config.shutdown.delay, grace_ms: config.shutdown.grace }, 'bearerd is shutting down')
      dataPath.startDraining()
      tokenService?.startDraining()
      if (config.shutdown.delay > 0) await new Promise((resolve) => setTimeout(resolve, config.shutdown.delay))
      const { grace } = config.shutdown
      await Promise.all([dataPath.close(grace), tokenService?.close(grace)])
      tokens.close()
      await opened.settle()
      await tokens.handBack(handBackMs)
      await release()
      await tracer?.flush()
      log.info('bearerd has stopped')
    },
  }
}

/** The client library is loaded with the first scrape. */
function exposeLazily(dataPath: DataPath): Expose {
  let expose: Promise<Expose> | undefined
  return async (accept) => {
    expose ??= import('../telemetry/exposition.ts').then(({ createExposition }) => createExposition(dataPath))
    await dataPath.gather()
    return (await expose)(accept)
  }
}

/** Without a limit the platform says 0, or more than the machine has. */
function memoryLimit(): number | undefined {
  const bytes = process.constrainedMemory()
  return bytes > 0 && bytes < totalmem() ? bytes : undefined
}

/** What the metrics call the routes; `none` for requests that match none. */
function labelsOf({ routes }: Config): Set<string> {
  return new Set(['none', ...routes.map(({ label }) => label)])
}

function haveTokens(tokens: TokenSources): boolean {
  return [...tokens.entries()].every(([, source]) => ['fresh', 'stale'].includes(source.status().state))
}

function listenError(error: unknown, address: ListenAddress, key: string): OperationError {
  if (error instanceof WorkerProblemsError)
    return new OperationError(`the workers do not start: ${error.message}`, { cause: error })
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program uses this address; stop it, or choose another address under "${key}"`,
    // The platform says the same of a folder that does not exist.
    EACCES: !isSocketFile(address)
      ? `this user may not use this port; choose one above 1023 under "${key}"`
      : existsSync(dirname(address.path))
        ? `this user may not make a file there; let it write into the folder, or choose another path under "${key}"`
        : `there is no such folder; make it, for the user that runs bearerd, or choose another path under "${key}"`,
    EROFS: `the file system is read-only; choose a path on another one under "${key}"`,
    EEXIST: `there is a file that is no socket; remove it, or choose another path under "${key}"`,
    EADDRNOTAVAIL: `this machine does not have this address; choose another under "${key}"`,
    ENOTFOUND: `this name has no address; write an IP address of this machine under "${key}"`,
    EAI_AGAIN: `the address of this name cannot be found now; write an IP address of this machine under "${key}"`,
  }
  return new OperationError(`cannot listen on ${formatAddress(address)}: ${reasons[code] ?? code}`, { cause: error })
}

function baseUrl(address: ListenAddress, tls: Config['tls']): string {
  if (isSocketFile(address)) return formatAddress(address)
  const { host, port } = address
  const name = host === '' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `${tls === undefined ? 'http' : 'https'}://${name.includes(':') ? `[${name}]` : name}:${port}`
}
