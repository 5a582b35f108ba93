import type { Config } from '../config/config.ts'
import { ConfigError, formatProblem, problemAt } from '../config/problem.ts'
import { isSameConfig } from '../config/same-config.ts'
import type { ReloadResult } from '../admin/gateway-view.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { WorkerProblemsError } from '../workers/data-path.ts'

/** What made the configuration be read again. */
export type ReloadCause = 'signal' | 'file' | 'admin'

/** What a reload takes. */
export interface ReloadParts {
  /** Reads the configuration again. @throws ConfigError when it has problems */
  readonly read: () => Config
  /** The one in use. */
  readonly current: () => Config
  /** Takes a configuration into use, all at once; or throws, and nothing has changed. */
  readonly use: (config: Config) => Promise<void>
  readonly metrics: Metrics
  readonly log: Log
}

/** Reads the configuration again and takes it into use, or leaves everything as it is. One at a time. */
export type Reload = (cause: ReloadCause) => Promise<ReloadResult>

/** Makes the function that reloads. It never throws: an invalid configuration changes nothing, and shows in a metric and the log. */
export function createReload({ read, current, use, metrics, log }: ReloadParts): Reload {
  let lastProblems = ''
  let last: Promise<ReloadResult> | undefined
  return async (cause) => {
    const result = last === undefined ? reloadNow(cause) : last.then(async () => await reloadNow(cause))
    last = result
    const reloaded = await result
    if (last === result) last = undefined
    return reloaded
  }

  async function reloadNow(cause: ReloadCause): Promise<ReloadResult> {
    const before = current()
    try {
      const config = read()
      const problems = restartProblems(before, config)
      if (problems.length > 0) return refused(problems, cause)
      await use(config)
      lastProblems = ''
      metrics.recordReload(true, Date.now())
      log.info({ cause, config: config.file, ...changesOf(before, config) }, 'configuration taken into use')
      return { isUsed: true, problems: [] }
    } catch (error) {
      if (error instanceof ConfigError) return refused(error.message.split('\n'), cause)
      if (error instanceof WorkerProblemsError) return refused(error.problems, cause)
      log.error({ err: error, error: 'internal_error', cause }, 'unexpected error while reading the configuration again')
      return refused([`${before.file}: an error inside bearerd; see its log [internal_error]`], cause)
    }
  }

  function refused(problems: readonly string[], cause: ReloadCause): ReloadResult {
    metrics.recordReload(false, Date.now())
    // A file with problems is looked at again and again.
    const isNews = cause !== 'file' || lastProblems !== problems.join('\n')
    lastProblems = problems.join('\n')
    if (isNews) log.error({ cause, problems }, 'the configuration has problems and is not used; the one before stays')
    return { isUsed: false, problems }
  }
}

const nowhere = { line: 0, column: 0 }

const needsRestart = 'cannot change while bearerd runs; restart it, or undo the change'

/** What connections to bearerd and its own state depend on. */
const fixedKeys: readonly { readonly key: string; readonly of: (config: Config) => unknown }[] = [
  { key: 'listen', of: ({ listen }) => listen },
  { key: 'tls', of: ({ tls }) => tls },
  { key: 'admin.listen', of: ({ admin }) => admin.listen },
  { key: 'admin.tls', of: ({ admin }) => admin.tls },
  { key: 'admin.callers', of: ({ admin }) => admin.callers },
  { key: 'token_service.listen', of: ({ token_service }) => token_service?.listen },
  { key: 'token_service.tls', of: ({ token_service }) => token_service?.tls },
  { key: 'token_store', of: ({ token_store }) => token_store },
  { key: 'workers', of: ({ workers }) => workers },
]

function restartProblems(before: Config, next: Config): string[] {
  return fixedKeys
    .filter(({ of }) => !isSameConfig(of(before), of(next)))
    .map(({ key }) => problemAt('restart_needed', next.file, nowhere, key, needsRestart))
    .map(formatProblem)
}

/** Names of what is different, for the log. */
function changesOf(before: Config, next: Config): Readonly<Record<'credentials' | 'routes', readonly string[]>> {
  const routesOf = ({ routes }: Config) => new Map(routes.map((route) => [route.label, route]))
  return { credentials: changed(before.credentials, next.credentials), routes: changed(routesOf(before), routesOf(next)) }
}

function changed(before: ReadonlyMap<string, unknown>, next: ReadonlyMap<string, unknown>): string[] {
  const names = new Set([...before.keys(), ...next.keys()])
  return [...names].filter((name) => !isSameConfig(before.get(name), next.get(name)))
}
