import type { Summary } from './summary.ts'

/** A workload's outcome for people. */
export function tableOf({ name, about, figures, compared, rows }: Summary): string {
  const head = ['contender', ...figures.map(({ title }) => title), ...(compared === undefined ? [] : ['bearerd : it'])]
  const body = rows
    .filter(({ problem }) => problem === undefined)
    .map(({ contender, medians, bearerdToIt }) => [
      contender,
      ...figures.map(({ key, digits }) => format(medians[key], digits)),
      ...(compared === undefined ? [] : [format(bearerdToIt, 2)]),
    ])
  const left = rows.flatMap(({ contender, problem }) => (problem === undefined ? [] : [`left out: ${contender}: ${problem}`]))
  return [`${name}: ${about}`, '', columns([head, ...body]), ...left].join('\n')
}

/** The first column to the left, numbers to the right, under each other. */
export function columns(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const [head = [], ...body] = lines.map((line) => line.map(pad).join('  ').trimEnd())
  return [head, widths.map((width) => '-'.repeat(width)).join('  '), ...body].join('\n')
}

function format(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits)
}
