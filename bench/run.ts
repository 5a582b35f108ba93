import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { openBench } from './bench.ts'
import type { Size } from './bench.ts'
import { contenders } from './contenders/contenders.ts'
import { findCores, stayOn } from './machine/cores.ts'
import { profileBearerd } from './profile.ts'
import { prefaceOf, prefaceText } from './report/preface.ts'
import { summarize } from './report/summary.ts'
import type { Summary } from './report/summary.ts'
import { tableOf } from './report/table.ts'
import { workloads } from './workloads/workloads.ts'

const usual: Size = { firstWarmUpMs: 2_000, warmUpMs: 1_000, rounds: 5, ms: 1_500, steadyMs: 3_000, starts: 3, idleMs: 3_000 }
const quick: Size = { firstWarmUpMs: 500, warmUpMs: 50, rounds: 1, ms: 250, steadyMs: 500, starts: 1, idleMs: 200 }
const results = join(import.meta.dirname, 'results')

const usage = `npm run bench -- [--quick] [--only WORKLOAD]... [--contenders NAME,NAME...] [--json FILE] [--profile]
  workloads: ${workloads.map(({ name }) => name).join(', ')}
  contenders: ${contenders.map(({ name }) => name).join(', ')}
  --profile writes a CPU profile of bearerd under small GETs instead, and prints where its time goes
`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    contenders: { type: 'string', default: contenders.map(({ name }) => name).join(',') },
    json: { type: 'string', default: join(results, 'latest.json') },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const names = values.contenders.split(',')
const chosenContenders = contenders.filter(({ name }) => names.includes(name))
const chosen = workloads.filter(({ name }) => values.only.length === 0 || values.only.includes(name))
if (values.help || chosenContenders.length < names.length || chosen.length < values.only.length) {
  process.stderr.write(usage)
  process.exit(values.help ? 0 : 2)
}

if (process.platform !== 'linux') {
  process.stderr.write('The benchmark reads what the kernel counts for each process in /proc, which only Linux has.\n')
  process.exit(1)
}
const size = values.quick ? quick : usual
const cores = findCores()
stayOn(cores.others)
const bench = await openBench({ size, contenders: chosenContenders, cores })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void bench.close().finally(() => process.exit(1)))
try {
  if (values.profile) process.stdout.write(`${await profileBearerd(bench, results)}\n`)
  else await measureAll()
} finally {
  await bench.close()
}

async function measureAll(): Promise<void> {
  const preface = prefaceOf(cores, chosenContenders)
  const summaries: Summary[] = []
  process.stdout.write(`${prefaceText(preface)}\n`)
  for (const workload of chosen) {
    process.stderr.write(`${workload.name} ...\n`)
    const summary = summarize(workload, await workload.run(bench))
    summaries.push(summary)
    process.stdout.write(`\n${tableOf(summary)}\n`)
  }
  mkdirSync(dirname(values.json), { recursive: true })
  const report = { at: new Date().toISOString(), ...preface, size, workloads: summaries }
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
}
