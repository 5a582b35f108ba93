import type { Row } from './panel.ts'

const of = 'job=~"$job",instance=~"$instance"'

/** What runs, with which configuration, and what it uses. */
export const processes: Row = {
  title: 'Processes',
  panels: [
    {
      title: 'Version',
      description: 'How many processes run which version. Good: one version, or two during a roll-out.',
      type: 'stat',
      width: 4,
      unit: 'none',
      queries: [{ expr: `count by (version) (bearerd_build_info{${of}})`, legend: '{{version}}' }],
    },
    {
      title: 'Up',
      description: 'The share of the processes that answer Prometheus. Good: 100 %.',
      type: 'stat',
      width: 4,
      unit: 'percentunit',
      steps: [
        [null, 'red'],
        [0.5, 'orange'],
        [1, 'green'],
      ],
      queries: [{ expr: `avg by (job) (up{${of}})`, legend: '{{job}}' }],
    },
    {
      title: 'Configuration in use since',
      description: 'When a configuration was last taken into use. Good: the last time that somebody changed it.',
      type: 'stat',
      width: 4,
      unit: 'dateTimeFromNow',
      queries: [
        {
          expr: `1000 * min by (job) (bearerd_config_last_reload_success_timestamp_seconds{${of}})`,
          legend: '{{job}}',
        },
      ],
    },
    {
      title: 'Configuration',
      description:
        'Good: in use. Bad: refused; the one before stays in use, and a restart would not come up. The log and the status page say what is wrong with it.',
      type: 'state-timeline',
      width: 12,
      unit: 'none',
      words: { '0': { text: 'refused', color: 'red' }, '1': { text: 'in use', color: 'green' } },
      queries: [{ expr: `min by (instance) (bearerd_config_last_reload_successful{${of}})`, legend: '{{instance}}' }],
    },
    {
      title: 'Workers',
      description: 'Good: as many as configured, and no restart. Bad: fewer for longer than a moment; at zero callers wait.',
      emptyWhen: 'where there is one process without workers',
      type: 'timeseries',
      width: 6,
      unit: 'none',
      decimals: 0,
      min: 0,
      queries: [
        { expr: `bearerd_workers{${of}}`, legend: '{{instance}}' },
        { expr: `increase(bearerd_worker_restarts_total{${of}}[$__rate_interval])`, legend: '{{instance}} restarts' },
      ],
    },
    {
      title: 'Processor',
      description:
        'Cores in use, by process; with workers, by worker too. Bad: one near 1 for long, for it serves on one core: more workers or more replicas.',
      type: 'timeseries',
      width: 6,
      unit: 'none',
      decimals: 2,
      min: 0,
      queries: [
        { expr: `rate(process_cpu_seconds_total{${of}}[$__rate_interval])`, legend: '{{instance}}' },
        { expr: `rate(bearerd_worker_cpu_seconds_total{${of}}[$__rate_interval])`, legend: '{{instance}} worker {{worker}}' },
      ],
    },
    {
      title: 'Memory',
      description:
        'Resident memory of the main process and of each worker, and the limit for all together where there is one (dashed). Good: level. Bad: rising for days, or near the limit, beyond which the platform kills the process.',
      type: 'timeseries',
      width: 6,
      unit: 'bytes',
      min: 0,
      dashed: 'limit',
      queries: [
        { expr: `process_resident_memory_bytes{${of}}`, legend: '{{instance}}' },
        { expr: `bearerd_worker_resident_memory_bytes{${of}}`, legend: '{{instance}} worker {{worker}}' },
        { expr: `bearerd_memory_limit_bytes{${of}}`, legend: '{{instance}} limit' },
      ],
    },
    {
      title: 'Event loop lag',
      description:
        'How late the main process gets to what is due, 99 % of the times no later; about 0.01 s when idle. Bad: 0.1 s and more, every request waits for it. With workers look at their processor time instead.',
      type: 'timeseries',
      width: 6,
      unit: 's',
      min: 0,
      queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${of}}`, legend: '{{instance}}' }],
    },
  ],
}
