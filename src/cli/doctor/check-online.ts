import type { Config, Credential } from '../../config/config.ts'
import { Metrics } from '../../telemetry/metrics.ts'
import { systemClock } from '../../tokens/clock.ts'
import type { CommandContext } from '../command.ts'
import { namedCredential } from '../named-credential.ts'
import { useTokens } from '../use-tokens.ts'
import { packageVersion } from '../version.ts'
import { examinationOf } from './examination.ts'
import type { ExaminationParts } from './examination.ts'
import { examineStore } from './examine-store.ts'
import { reasonToSkip } from './examine-token.ts'
import { inOrder } from './in-order.ts'
import { Progress } from './progress.ts'
import { countsOf, linesOf, rowsOf, shortName, summaryOf } from './report.ts'
import type { Examined } from './report.ts'
import { TokenExchanges } from './watched-grant-request.ts'

/** Enough to be done soon, too few to be a burden to anybody. */
const atATime = 8

/**
 * Tries what a configuration needs: the gateway's own addresses and files, and for each credential and upstream the way there and
 * one answer. Spends one token request of each credential.
 * @param limitMs for each check, in milliseconds
 * @returns the exit code: 1 when something failed, 0 also with warnings
 * @throws UsageError for a credential that there is not
 */
export async function checkOnline(config: Config, limitMs: number, context: CommandContext): Promise<number> {
  const { positionals, values, screen } = context
  const only = positionals.length === 0 ? undefined : new Set(positionals.map((name) => namedCredential(config, name)))
  const isJson = values['json'] === true
  const version = packageVersion()
  const exchanges = new TokenExchanges()
  const credentials = new Map([...config.credentials].filter(([, credential]) => only?.has(credential) ?? true))
  const storeParts = { metrics: new Metrics(version), version, exchanges, limitMs }
  const { opened, finding: store, isAlone } = await examineStore({ ...config, credentials }, storeParts)
  const isKept = !isAlone && store.verdict === 'ok'
  if (!isJson) context.stdout(headingOf(config.file, [...credentials.values()], isKept))
  const examined = await useTokens(opened, 'the check', async (tokens, signal) => {
    const limits = { limitMs, nowEpochMs: () => systemClock.epochMs() }
    const parts = { config, only, tokens, exchanges, store, isKept, userAgent: `bearerd/${version}`, limits }
    const all = await examine(parts, context, new Progress(screen), signal)
    // Nobody else has them, and where somebody wants them back they count.
    if (isAlone) await tokens.handBack(limitMs)
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
  // What is said of an interruption should stand on a line of its own.
  signal.addEventListener('abort', () => progress.clear())
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

/** Says beforehand what it costs. */
function headingOf(file: string, credentials: readonly Credential[], isKept: boolean): string {
  const asked = credentials.filter(
    (credential) => credential.grant_type !== 'self_signed' && reasonToSkip(credential, isKept) === undefined,
  )
  if (asked.length === 0) return `${file}: no token request is made`
  const requests = asked.length === 1 ? '1 token request is' : `${asked.length} token requests are`
  return `${file}: ${credentials.length === 1 ? '1 credential' : `${credentials.length} credentials`}, for which ${requests} made`
}
