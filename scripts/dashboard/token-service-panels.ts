import type { Row } from './panel.ts'

const of = 'job=~"$job",instance=~"$instance"'
const requests = 'bearerd_token_service_requests_total'
const duration = 'bearerd_token_service_request_duration_seconds'

/** What other proxies ask for, where there is a token service. */
export const tokenService: Row = {
  title: 'Token service',
  panels: [
    {
      title: 'Asked by other proxies',
      description:
        'Answers of the token service in a second. Good: "authorize 200", and now and then "reject 200". Bad: 401 and 403 for "none" (a proxy that may not ask), "reject 401" (a new token does not help), 5xx (there is no token).',
      emptyWhen: 'without a token service',
      type: 'timeseries',
      width: 12,
      unit: 'reqps',
      min: 0,
      isStacked: true,
      queries: [
        {
          expr: `sum by (credential, operation, code) (rate(${requests}{${of},credential=~"$credential|none"}[$__rate_interval]))`,
          legend: '{{credential}} {{operation}} {{code}}',
        },
      ],
    },
    {
      title: 'Time for other proxies',
      description:
        'How long the token service takes: of a hundred answers, 99 took no longer. Good: milliseconds. Bad: near the limit within which the proxy waits for it.',
      emptyWhen: 'without a token service',
      type: 'timeseries',
      width: 12,
      unit: 's',
      min: 0,
      queries: [
        {
          expr: `histogram_quantile(0.99, sum by (le, operation) (rate(${duration}_bucket{${of}}[$__rate_interval])) > 0)`,
          legend: '{{operation}}',
        },
      ],
    },
  ],
}
