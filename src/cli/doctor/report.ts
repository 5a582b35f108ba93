import type { Finding, Verdict } from './finding.ts'

/** A part of the configuration that is examined. */
export interface Subject {
  readonly kind: 'gateway' | 'credential' | 'route'
  /** As the configuration calls it; several where routes share an upstream, none for the gateway. */
  readonly names: readonly string[]
  /** Where it leads. */
  readonly address: string | undefined
}

/** What was found out about it. */
export interface Examined {
  readonly subject: Subject
  readonly findings: readonly Finding[]
}

/** A subject in a few words. */
export function shortName({ kind, names }: Subject): string {
  return kind === 'gateway' ? kind : `${kind}${names.length > 1 ? 's' : ''} ${names.join(', ')}`
}

const colours: Readonly<Record<Verdict, number>> = { ok: 32, warning: 33, failed: 31, skipped: 36 }

/** What was found out, for people. @param isColoured whether for a terminal that shows colours */
export function* linesOf({ subject, findings }: Examined, isColoured: boolean): Iterable<string> {
  yield `${shortName(subject)}${subject.address === undefined ? '' : `: ${subject.address}`}`
  for (const { check, verdict, message } of findings) {
    const word = verdict.padEnd(7)
    const shown = isColoured ? `\u001b[${colours[verdict]}m${word}\u001b[0m` : word
    yield `  ${shown}  ${check.padEnd(8)}  ${message}`
  }
}

/** How many checks came to what. */
export function countsOf(examined: readonly Examined[]): Readonly<Record<Verdict, number>> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 }
  for (const { findings } of examined) for (const { verdict } of findings) counts[verdict]++
  return counts
}

/** The last line. */
export function summaryOf({ ok, warning, failed, skipped }: Readonly<Record<Verdict, number>>): string {
  return `${ok} ok, ${warning} ${warning === 1 ? 'warning' : 'warnings'}, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

/** What was found out, for scripts. */
export function rowsOf(examined: readonly Examined[]): readonly object[] {
  return examined.flatMap(({ subject: { kind, names }, findings }) =>
    findings.map(({ check, verdict, message, facts = {} }) => {
      const [problem, ...remedy] = verdict === 'ok' ? [message] : message.split('; ')
      return {
        of: kind,
        names,
        check,
        status: verdict,
        message: problem,
        remedy: remedy.length === 0 ? null : remedy.join('; '),
        facts,
      }
    }),
  )
}
