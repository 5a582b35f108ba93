import type { Row } from './panel.ts'

const of = 'job=~"$job",instance=~"$instance",credential=~"$credential"'
const expiry = `(bearerd_token_expiry_timestamp_seconds{${of}} > 0)`

/** How the tokens live: what they are now, and how they came to be. */
export const tokens: Row = {
  title: 'Tokens',
  panels: [
    {
      title: 'Time left',
      description:
        'Until the current token expires. Good: above the time that renew_before leaves. Bad: shrinking to zero while the credential is in use. An idle credential is not renewed and stands at zero or below; that is as it should be.',
      emptyWhen: 'before the first token',
      type: 'bargauge',
      width: 8,
      unit: 's',
      decimals: 0,
      min: 0,
      steps: [
        [null, 'red'],
        [30, 'orange'],
        [300, 'green'],
      ],
      queries: [{ expr: `max by (credential, instance) (${expiry} - time())`, legend: '{{credential}} {{instance}}' }],
    },
    {
      title: 'State',
      description:
        'Good: fresh, with a thin line of "renewal due" now and then. Bad: a broad "renewal due" (attempts fail), then "expired" while there are callers. Idle credentials are due and expired for long; "none" is before the first token.',
      type: 'state-timeline',
      width: 16,
      unit: 'none',
      words: {
        '0': { text: 'none', color: 'text' },
        '1': { text: 'expired', color: 'red' },
        '2': { text: 'renewal due', color: 'orange' },
        '3': { text: 'fresh', color: 'green' },
      },
      queries: [
        {
          expr: `max by (credential, instance) ((bearerd_token_expiry_timestamp_seconds{${of}} > bool 0) + (bearerd_token_expiry_timestamp_seconds{${of}} > bool time()) + (bearerd_token_renewal_timestamp_seconds{${of}} > bool time()))`,
          legend: '{{credential}} {{instance}}',
        },
      ],
    },
    {
      title: 'Life of each token',
      description:
        'Time left, over time: a saw. Each tooth begins with a new token; its lowest point is the renewal. Good: it turns at the dashed line, the time before expiry at which a renewal is due. Bad: it passes the dashed line and goes on to zero. A tooth that ends early is a token that was refused, or renewed by hand.',
      emptyWhen: 'before the first token',
      type: 'timeseries',
      width: 12,
      unit: 's',
      min: 0,
      dashed: 'renewal',
      queries: [
        { expr: `max by (credential, instance) (${expiry} - time())`, legend: '{{credential}} {{instance}}' },
        {
          expr: `max by (credential) (${expiry} - bearerd_token_renewal_timestamp_seconds{${of}})`,
          legend: '{{credential}} renewal',
        },
      ],
    },
    {
      title: 'Issued, renewed, expires',
      description:
        'The moments of the current token. Good: issued in the past, renewal and expiry ahead. Bad: a renewal in the past although there are callers.',
      emptyWhen: 'before the first token',
      type: 'table',
      width: 12,
      unit: 'dateTimeFromNow',
      columns: ['issued', 'renewal due', 'expires'],
      queries: [
        {
          expr: `1000 * max by (credential, instance) (bearerd_token_last_success_timestamp_seconds{${of}} > 0)`,
          legend: 'issued',
        },
        {
          expr: `1000 * max by (credential, instance) (bearerd_token_renewal_timestamp_seconds{${of}} > 0)`,
          legend: 'renewal due',
        },
        { expr: `1000 * max by (credential, instance) ${expiry}`, legend: 'expires' },
      ],
    },
    {
      title: 'Token requests',
      description:
        'Requests to the token endpoint in a minute, by outcome. Good: few, and all "success". Bad: "refused" (the endpoint says no: client secret, scope) and "unavailable" (no proper answer), and any outcome at a rate far above one for each life of a token.',
      type: 'timeseries',
      width: 8,
      unit: 'cpm',
      min: 0,
      isStacked: true,
      queries: [
        {
          expr: `60 * sum by (credential, outcome) (rate(bearerd_token_requests_total{${of}}[$__rate_interval]))`,
          legend: '{{credential}} {{outcome}}',
        },
      ],
    },
    {
      title: 'Duration of token requests',
      description:
        'Over the last hour: half and 95 % of the token requests took no longer. Good: well below a second. Bad: near token_request.timeout (10 s). Callers wait for it only when there is no token.',
      emptyWhen: 'when there was no token request within the hour',
      type: 'timeseries',
      width: 8,
      unit: 's',
      min: 0,
      queries: [quantile(0.5), quantile(0.95)],
    },
    {
      title: 'Budget left',
      description:
        'Token requests left in the window, as a share of the limit. Good: more than half. Bad: below a tenth, where tokens are no longer renewed ahead of their expiry; at zero there is no new one.',
      emptyWhen: 'where no credential has token_requests',
      type: 'bargauge',
      width: 8,
      unit: 'percentunit',
      min: 0,
      max: 1,
      steps: [
        [null, 'red'],
        [0.1, 'orange'],
        [0.25, 'green'],
      ],
      queries: [
        {
          expr: `min by (credential) (bearerd_token_budget_remaining{${of}} / bearerd_token_budget_limit{${of}})`,
          legend: '{{credential}}',
        },
      ],
    },
    {
      title: 'What requests found',
      description:
        'Requests that needed a token, in a second: "hit" had one at once, "wait" waited for a token request, "error" got none and was answered 502 or 503. Good: hits, and a wait now and then. Bad: any steady error.',
      type: 'timeseries',
      width: 8,
      unit: 'reqps',
      min: 0,
      isStacked: true,
      queries: [
        {
          expr: `sum by (credential, result) (rate(bearerd_token_lookups_total{${of}}[$__rate_interval]))`,
          legend: '{{credential}} {{result}}',
        },
      ],
    },
    {
      title: 'Hit rate',
      description:
        'The share of requests that had a token at once. Good: near 100 %. Lower where requests are rare or each user has a token: most of them come first. Bad: falling under steady traffic.',
      emptyWhen: 'while nobody asks for a token',
      type: 'timeseries',
      width: 8,
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `sum by (credential) (rate(bearerd_token_lookups_total{${of},result="hit"}[$__rate_interval])) / (sum by (credential) (rate(bearerd_token_lookups_total{${of}}[$__rate_interval])) > 0)`,
          legend: '{{credential}}',
        },
      ],
    },
    {
      title: 'Token store',
      description:
        'Good: up. Bad: down; each process goes on with its own memory, asks for tokens of its own, and a restart forgets them.',
      type: 'state-timeline',
      width: 8,
      unit: 'none',
      words: { '0': { text: 'down', color: 'red' }, '1': { text: 'up', color: 'green' } },
      queries: [
        {
          expr: 'min by (store, instance) (bearerd_token_store_up{job=~"$job",instance=~"$instance"})',
          legend: '{{store}} {{instance}}',
        },
      ],
    },
  ],
}

function quantile(share: number): Row['panels'][number]['queries'][number] {
  return {
    expr: `histogram_quantile(${share}, sum by (credential, le) (rate(bearerd_token_request_duration_seconds_bucket{${of}}[1h])) > 0)`,
    legend: `{{credential}} p${share * 100}`,
  }
}
