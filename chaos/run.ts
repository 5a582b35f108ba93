import { parseArgs } from 'node:util'
import { createRandom } from './random.ts'
import type { ChaosRun, Outcome, Scenario, Size } from './scenario.ts'
import { callersThatLeave } from './callers-that-leave.ts'
import { earlyRefusals } from './early-refusals.ts'
import { http2MixedRun } from './http2-mixed-run.ts'
import { malformedAnswers } from './malformed-answers.ts'
import { largeRequests } from './large-requests.ts'
import { malformedRequests } from './malformed-requests.ts'
import { mixedRun } from './mixed-run.ts'
import { reloads } from './reloads.ts'
import { slowHeads } from './slow-heads.ts'
import { slowReaders } from './slow-readers.ts'
import { terminations } from './terminations.ts'

/** In the order of the table. */
const scenarios: readonly Scenario[] = [
  malformedRequests,
  malformedAnswers,
  reloads,
  terminations,
  callersThatLeave,
  earlyRefusals,
  slowReaders,
  slowHeads,
  largeRequests,
  mixedRun,
  http2MixedRun,
]

const usage = `npm run chaos -- [--seed N] [--only NAME]... [--quick | --full]
  scenarios: ${scenarios.map(({ name }) => name).join(', ')}
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '20261122' },
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const chosen = scenarios.filter(({ name }) => values.only.length === 0 || values.only.includes(name))
if (values.help || !Number.isSafeInteger(seed) || chosen.length < Math.max(values.only.length, 1)) {
  process.stderr.write(usage)
  process.exit(values.help ? 0 : 2)
}

const size: Size = values.full ? 'full' : values.quick ? 'quick' : 'usual'
const rows: string[][] = [['scenario', 'what was done', 'result', 'verdict']]
const troubles: string[] = []
const known: string[] = []
for (const scenario of chosen) {
  const startedMs = performance.now()
  process.stderr.write(`${scenario.name} ...\n`)
  const { done, result, problems, shortfalls = [] } = await outcomeOf(scenario)
  rows.push([
    scenario.name,
    `${done}; ${((performance.now() - startedMs) / 1000).toFixed(0)} s`,
    result,
    problems.length > 0 ? 'FAILED' : shortfalls.length > 0 ? 'SHORT' : 'ok',
  ])
  for (const problem of problems) troubles.push(`${scenario.name}: ${problem}`)
  for (const shortfall of shortfalls) known.push(`${scenario.name} falls short: ${shortfall}`)
}
process.stdout.write(`\nseed ${seed}, ${size} run, Node.js ${process.version}\n\n${table(rows)}\n`)
if (known.length > 0) process.stdout.write(`\n${known.join('\n')}\n`)
if (troubles.length > 0) process.stdout.write(`\n${troubles.join('\n')}\n`)
process.exit(troubles.length === 0 ? 0 : 1)

async function outcomeOf({ name, run }: Scenario): Promise<Outcome> {
  const ends: (() => unknown)[] = []
  const chaosRun: ChaosRun = {
    random: createRandom(seed).fork(name),
    size,
    count: (usual, { quick = Math.ceil(usual / 10), full = usual } = {}) => ({ quick, usual, full })[size],
    defer: (end) => void ends.push(end),
    say: (text) => void process.stderr.write(`  ${text}\n`),
  }
  try {
    return await run(chaosRun)
  } catch (error) {
    return { done: 'broke off', result: '', problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)] }
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

/** Columns of equal width; long texts go on below. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = [20, 44, 72, 7]
  const line = (cells: readonly string[]): string => {
    const wrapped = cells.map((cell, column) => wrap(cell, widths[column] ?? 40))
    const height = Math.max(...wrapped.map((parts) => parts.length))
    return Array.from({ length: height }, (_, row) =>
      wrapped
        .map((parts, column) => (parts[row] ?? '').padEnd(widths[column] ?? 40))
        .join('  ')
        .trimEnd(),
    ).join('\n')
  }
  const [head = [], ...body] = rows
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
