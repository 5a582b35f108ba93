import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { projectRoot } from './cli-process.ts'

/** Where the alerts are, and their unit tests. */
export const alertsFile = join(projectRoot, 'monitoring/alerts.yml')
export const alertTestsFile = join(projectRoot, 'monitoring/alerts.test.yml')

/** An alert of alerts.yml. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** All alerts, in their order. */
export function readAlerts(): Alert[] {
  const { groups } = parse(readFileSync(alertsFile, 'utf8')) as { groups: { rules: Alert[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** docs/runbook.md. */
export function readRunbook(): string {
  return readFileSync(join(projectRoot, 'docs/runbook.md'), 'utf8')
}

/** The blocks of a language in a page. */
export function blocksOf(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, block = '']) => block)
}
