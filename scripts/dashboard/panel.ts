/** One query of a panel, in PromQL with Grafana's variables. */
export interface Query {
  readonly expr: string
  /** What its series are called; `{{label}}` is replaced. */
  readonly legend: string
}

/** A panel as it is written down here; {@link toGrafana} makes Grafana's JSON of it. */
export interface Panel {
  readonly title: string
  /** What is to be seen, what is good and what is bad. */
  readonly description: string
  /** Why there may be nothing to be seen although all is well. */
  readonly emptyWhen?: string
  readonly type: 'timeseries' | 'bargauge' | 'state-timeline' | 'stat' | 'table'
  /** Of 24. */
  readonly width: number
  readonly unit: string
  readonly queries: readonly Query[]
  readonly decimals?: number
  readonly min?: number
  readonly max?: number
  /** From which value on which colour; the first one holds from below. */
  readonly steps?: readonly (readonly [from: number | null, colour: string])[]
  /** Words for values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly color: string }>>
  readonly isStacked?: boolean
  /** Of a table: a name for the value of each query. */
  readonly columns?: readonly string[]
  /** A series with this legend is a dashed line. */
  readonly dashed?: string
}

/** Panels under a heading. */
export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const height = 8
const datasource = { type: 'prometheus', uid: '${datasource}' }

/** Lays rows out from top to bottom, each panel as wide as it says. */
export function layOut(rows: readonly Row[]): object[] {
  const laidOut: object[] = []
  let y = 0
  for (const { title, panels } of rows) {
    laidOut.push({
      id: laidOut.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
      panels: [],
    })
    let x = 0
    for (const panel of panels) {
      if (x + panel.width > 24) {
        x = 0
        y += height
      }
      laidOut.push({ id: laidOut.length + 1, ...toGrafana(panel), gridPos: { x, y, w: panel.width, h: height } })
      x += panel.width
    }
    y += height
  }
  return laidOut
}

function toGrafana(panel: Panel): object {
  const { title, description, emptyWhen, type, queries } = panel
  return {
    type,
    title,
    description: emptyWhen === undefined ? description : `${description} Empty ${emptyWhen}.`,
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(type === 'timeseries' || type === 'state-timeline' ? { range: true } : { instant: true, range: false }),
      ...(type === 'table' && { format: 'table' }),
    })),
    fieldConfig: { defaults: fieldsOf(panel), overrides: panel.dashed === undefined ? [] : [dashedLine(panel.dashed)] },
    options: optionsOf(panel),
    ...(panel.columns !== undefined && { transformations: tableOf(panel.columns) }),
  }
}

function fieldsOf({ type, unit, decimals, min, max, steps = [[null, 'green']], words, isStacked = false }: Panel): object {
  return {
    unit,
    ...(decimals !== undefined && { decimals }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
    thresholds: { mode: 'absolute', steps: steps.map(([value, color]) => ({ color, value })) },
    mappings: words === undefined ? [] : [{ type: 'value', options: words }],
    ...(type === 'timeseries' && {
      custom: {
        drawStyle: 'line',
        lineWidth: 1,
        fillOpacity: isStacked ? 30 : 8,
        showPoints: 'auto',
        spanNulls: false,
        stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
      },
    }),
    ...(type === 'state-timeline' && { custom: { lineWidth: 0, fillOpacity: 80 } }),
  }
}

function optionsOf({ type }: Panel): object {
  const lastValue = { calcs: ['lastNotNull'], fields: '', values: false }
  const options: Readonly<Record<Panel['type'], object>> = {
    timeseries: {
      legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    bargauge: {
      displayMode: 'basic',
      orientation: 'horizontal',
      reduceOptions: lastValue,
      showUnfilled: true,
      valueMode: 'color',
    },
    'state-timeline': {
      mergeValues: true,
      showValue: 'auto',
      rowHeight: 0.8,
      legend: { displayMode: 'list', placement: 'bottom' },
    },
    stat: { colorMode: 'value', graphMode: 'none', textMode: 'auto', justifyMode: 'auto', reduceOptions: lastValue },
    table: { showHeader: true, cellHeight: 'sm', footer: { show: false } },
  }
  return options[type]
}

/** One line for each combination of labels, with the value of each query in a column of its own. */
function tableOf(columns: readonly string[]): object[] {
  const names = Object.fromEntries(columns.map((column, index) => [`Value #${String.fromCharCode(65 + index)}`, column]))
  return [
    { id: 'merge', options: {} },
    { id: 'organize', options: { excludeByName: { Time: true }, renameByName: names } },
  ]
}

function dashedLine(legend: string): object {
  return {
    matcher: { id: 'byRegexp', options: `/ ${legend}$/` },
    properties: [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 6] } },
      { id: 'custom.fillOpacity', value: 0 },
    ],
  }
}
