import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { layOut } from './dashboard/panel.ts'
import { processes } from './dashboard/process-panels.ts'
import { refusals, requests } from './dashboard/request-panels.ts'
import { tokens } from './dashboard/token-panels.ts'
import { tokenService } from './dashboard/token-service-panels.ts'

/** Where the dashboard is kept. */
export const dashboardFile = join(import.meta.dirname, '../monitoring/dashboard.json')

/** The panels, under their headings. */
export const rows = [tokens, refusals, requests, tokenService, processes]

/** Writes the dashboard for Grafana 10 or newer, as JSON. */
export function dashboard(): string {
  const document = {
    uid: 'bearerd',
    title: 'bearerd',
    description: 'Tokens, refusals, requests and processes of the egress gateway bearerd.',
    tags: ['bearerd'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: '',
    annotations: { list: [] },
    links: [],
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Data source',
          type: 'datasource',
          query: 'prometheus',
          hide: 0,
          includeAll: false,
          multi: false,
        },
        // No `allValue`: process_* of other jobs would come along.
        variable('job', 'label_values(bearerd_build_info, job)'),
        variable('instance', 'label_values(bearerd_build_info{job=~"$job"}, instance)', '.*'),
        variable(
          'credential',
          'label_values(bearerd_token_expiry_timestamp_seconds{job=~"$job",instance=~"$instance"}, credential)',
          '.*',
        ),
        variable('route', 'label_values(bearerd_http_requests_total{job=~"$job",instance=~"$instance"}, route)', '.*'),
      ],
    },
    panels: layOut(rows),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

function variable(name: string, query: string, allValue?: string): object {
  return {
    name,
    label: name,
    type: 'query',
    datasource: { type: 'prometheus', uid: '${datasource}' },
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    ...(allValue !== undefined && { allValue }),
    current: { selected: true, text: ['All'], value: ['$__all'] },
    hide: 0,
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--write')) writeFileSync(dashboardFile, dashboard())
  else process.stdout.write(dashboard())
}
