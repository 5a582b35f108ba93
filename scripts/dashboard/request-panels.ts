import type { Query, Row } from './panel.ts'

const of = 'job=~"$job",instance=~"$instance",route=~"$route"'
const ofCredential = 'job=~"$job",instance=~"$instance",credential=~"$credential"'
const total = 'bearerd_http_request_duration_seconds'
const upstream = 'bearerd_upstream_duration_seconds'

/** What upstreams refuse, and what became of it. */
export const refusals: Row = {
  title: 'Refusals',
  panels: [
    {
      title: 'Refused tokens',
      description:
        'Requests in a minute whose token an upstream refused, by what followed. Good: none, or a few "renewed" and "newer" when a token was revoked. Bad: a steady rate; "failed", "back_off" and "budget" (no new token was to be had); "cool_down" and "same_token" (a new one does not help).',
      emptyWhen: 'as long as no token was refused',
      type: 'timeseries',
      width: 12,
      unit: 'cpm',
      min: 0,
      isStacked: true,
      queries: [
        {
          expr: `60 * sum by (credential, outcome) (rate(bearerd_token_rejections_total{${ofCredential}}[$__rate_interval]))`,
          legend: '{{credential}} {{outcome}}',
        },
      ],
    },
    {
      title: 'Replays',
      description:
        'The same refused requests, in a minute, by what became of their replay. Good: "accepted", of which callers see nothing but a delay. Bad: all others: the refusal went to the caller. "refused" and "no_new_token" are about the token, "body_..." and "off" about the request and the route.',
      emptyWhen: 'as long as no request was refused',
      type: 'timeseries',
      width: 12,
      unit: 'cpm',
      min: 0,
      isStacked: true,
      queries: [
        {
          expr: `60 * sum by (route, outcome) (rate(bearerd_replays_total{${of}}[$__rate_interval]))`,
          legend: '{{route}} {{outcome}}',
        },
      ],
    },
  ],
}

/** What callers ask, get, and wait for. */
export const requests: Row = {
  title: 'Requests',
  panels: [
    {
      title: 'Requests',
      description: 'Answers in a second, by route. Bad: a sudden end, when the callers are still there.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      min: 0,
      isStacked: true,
      queries: [{ expr: `sum by (route) (rate(bearerd_http_requests_total{${of}}[$__rate_interval]))`, legend: '{{route}}' }],
    },
    {
      title: 'Errors',
      description:
        'Answers of 400 and more in a second, by status. 401: refusals that no replay cured, or callers that are not known; 499: the caller left; 502, 503, 504: mostly the gateway itself, because of a token or the upstream; the log says which, in "error". Good: none, or what the application is known to cause.',
      emptyWhen: 'as long as nothing failed',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      min: 0,
      isStacked: true,
      queries: [
        {
          expr: `sum by (route, code) (rate(bearerd_http_requests_total{${of},code=~"[45].."}[$__rate_interval]))`,
          legend: '{{route}} {{code}}',
        },
      ],
    },
    {
      title: 'In flight',
      description:
        'Requests being served now. Good: level. Bad: rising without more requests: something waits. At max_connections of a route further requests stand in line.',
      type: 'timeseries',
      width: 8,
      unit: 'none',
      min: 0,
      queries: [{ expr: `sum by (route) (bearerd_http_requests_in_flight{${of}})`, legend: '{{route}}' }],
    },
    {
      title: 'Time in all',
      description:
        'From the head of a request to the end of its answer: so many requests took no longer. Streams and downloads last as long as they last. Bad: rising while the upstream does not.',
      emptyWhen: 'while there are no requests',
      type: 'timeseries',
      width: 8,
      unit: 's',
      min: 0,
      queries: [0.5, 0.95, 0.99].map((share) => quantile(total, share)),
    },
    {
      title: 'Time upstream',
      description:
        'From sending a request upstream to the head of its answer; each attempt counts. This is the upstream and the way there. Bad: near the timeouts of the route (60 s for an answer), which end in 504.',
      emptyWhen: 'while there are no requests',
      type: 'timeseries',
      width: 8,
      unit: 's',
      min: 0,
      queries: [0.5, 0.95, 0.99].map((share) => quantile(upstream, share)),
    },
    {
      title: 'The difference',
      description:
        'Time in all without the time upstream, as a mean for each request: percentiles cannot be subtracted. Good: a few milliseconds. More is a wait for a token or a connection, a processor at its limit, or long bodies. Slightly below zero: the clock of an attempt and that of its request end in different scrapes.',
      emptyWhen: 'while there are no requests',
      type: 'timeseries',
      width: 8,
      unit: 's',
      queries: [
        {
          expr: `(sum by (route) (rate(${total}_sum{${of}}[$__rate_interval])) - sum by (route) (rate(${upstream}_sum{${of}}[$__rate_interval]))) / (sum by (route) (rate(${total}_count{${of}}[$__rate_interval])) > 0)`,
          legend: '{{route}}',
        },
      ],
    },
  ],
}

function quantile(histogram: string, share: number): Query {
  return {
    expr: `histogram_quantile(${share}, sum by (le) (rate(${histogram}_bucket{${of}}[$__rate_interval])) > 0)`,
    legend: `p${share * 100}`,
  }
}
