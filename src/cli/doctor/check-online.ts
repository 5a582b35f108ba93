import type { Config, Credential } from '../../config/config.ts'
import { longestTimerMs, parseDuration } from '../../config/quantities.ts'
import { Metrics } from '../../telemetry/metrics.ts'
import { systemClock } from '../../tokens/clock.ts'
import { UsageError } from '../command.ts'
import type { CommandContext } from '../command.ts'
import { namedCredential } from '../named-credential.ts'
import { useTokens } from '../use-tokens.ts'
import { packageVersion } from '../version.ts'
import { examinationOf } from './examination.ts'
import type { ExaminationParts } from './examination.ts'
import { examineStore } from './examine-store.ts'
import { inOrder } from './in-order.ts'
import { Progress } from './progress.ts'
import { countsOf, linesOf, rowsOf, shortName, summaryOf } from './report.ts'
import type { Examined } from './report.ts'
import { TokenExchanges } from './watched-grant-request.ts'

/** Enough to be done soon, too few to be a burden to anybody. */
const atATime = 8

const defaultLimitMs = 10_000

/**
 * Tries what a configuration needs: the gateway's own addresses and files, and for each credential and upstream the way there and
 * one answer. Spends one token request of each credential.
 * @returns the exit code: 1 when something failed, 0 also with warnings
 * @throws UsageError for a credential that there is not
 */
export async function checkOnline(config: Config, context: CommandContext): Promise<number> {
  const { positionals, values, screen } = context
  const only = positionals.length === 0 ? undefined : new Set(positionals.map((name) => namedCredential(config, name)))
  const limitMs = limitOf(values['timeout'])
  const isJson = values['json'] === true
  const version = packageVersion()
  const exchanges = new TokenExchanges()
  const own = { ...config, credentials: new Map(chosenOf(config, only).map((credential) => [credential.name, credential])) }
  if (!isJson) context.stdout(headingOf(config, own.credentials.size))
  const { opened, finding: store } = await examineStore(own, { metrics: new Metrics(version), version, exchanges, limitMs })
  const examined = await useTokens(opened, 'the check', async (tokens, signal) => {
    const limits = { limitMs, nowEpochMs: () => systemClock.epochMs() }
    const parts = { config, only, tokens, exchanges, store, userAgent: `bearerd/${version}`, limits }
    const all = await examine(parts, context, new Progress(screen), signal)
    // Nobody else has them, and where somebody wants them back they count.
    if (config.token_store.kind === 'memory') await tokens.handBack(limitMs)
    return all
  })
  const counts = countsOf(examined)
  if (isJson) context.stdout(JSON.stringify({ valid: true, file: config.file, counts, checks: rowsOf(examined) }))
  else context.stdout(summaryOf(counts))
  return counts.failed === 0 ? 0 : 1
}

async function examine(
  parts: ExaminationParts,
  context: CommandContext,
  progress: Progress,
  signal: AbortSignal,
): Promise<readonly Examined[]> {
  const { env, values, screen, stdout } = context
  const isColoured = screen?.isOutput === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  const examined: Examined[] = []
  const sections = examinationOf(parts)
  progress.expect(sections.length)
  const results = inOrder(sections, atATime, async ({ subject, run }) => {
    signal.throwIfAborted()
    const name = shortName(subject)
    const findings = await run((check) => (signal.aborted ? undefined : progress.show(name, check)))
    signal.throwIfAborted()
    progress.done(name)
    return findings
  })
  try {
    for await (const [{ subject }, findings] of results) {
      examined.push({ subject, findings })
      progress.clear()
      if (values['json'] !== true) for (const line of linesOf({ subject, findings }, isColoured)) stdout(line)
    }
  } finally {
    progress.clear()
  }
  return examined
}

function chosenOf({ credentials }: Config, only: ReadonlySet<Credential> | undefined): readonly Credential[] {
  return [...credentials.values()].filter((credential) => only?.has(credential) ?? true)
}

function headingOf({ file }: Config, count: number): string {
  const cost =
    count === 0
      ? 'no credential'
      : count === 1
        ? '1 credential, one token request'
        : `${count} credentials, one token request each`
  return `${file}: ${cost}`
}

/** @throws UsageError */
function limitOf(value: string | boolean | undefined): number {
  if (typeof value !== 'string') return defaultLimitMs
  const ms = parseDuration(value)
  if (ms === undefined || ms <= 0 || ms > longestTimerMs)
    throw new UsageError(`--timeout takes a duration such as 10s, not ${JSON.stringify(value)}`)
  return ms
}
