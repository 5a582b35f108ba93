import type { ProviderName } from './clients.ts'

/** Any value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

/** One switch: what it accepts, what it is when nobody touched it, and what it does, in one line. */
export interface FaultSwitch<T> {
  readonly accepts: (value: unknown) => value is T
  /** What `accepts` accepts, in words. */
  readonly expects: string
  readonly byDefault: T
  readonly does: string
  /** Set when the switch means something to one provider only. */
  readonly only?: ProviderName
}

// Some thirty years: far enough, and every date that comes of it is still a date.
const MAX_SECONDS = 1_000_000_000

/**
 * Every switch of a simulated provider. Validation, error messages and the table in docs/simulator.md all come from here.
 * A provider whose documents name a limit starts with that limit instead of the default given here.
 */
export const faultTable = {
  expires_in: faultSwitch<JsonValue | undefined>(
    anyJson(),
    undefined,
    'What the token endpoint announces; null leaves the field out. Unset: as documented.',
  ),
  lifetime_seconds: faultSwitch(
    orNull(numberBetween(0, MAX_SECONDS)),
    null,
    'How long tokens issued from now on truly live, whatever is announced. null: as documented.',
  ),
  clock_offset_seconds: faultSwitch(
    numberBetween(-MAX_SECONDS, MAX_SECONDS),
    0,
    'Moves the clock of the provider: a jump forward lets its tokens expire now.',
  ),
  same_token: faultSwitch(
    flag(),
    false,
    'The token endpoint answers with the same token, and its remaining life, while it lives.',
  ),
  token_fault: faultSwitch(
    oneOf(
      'none',
      '500',
      '503',
      '429',
      'html',
      'empty',
      'cut_json',
      'error_200',
      'line_break',
      'no_token',
      'redirect',
      'drip',
      'drop',
      'drop_after_head',
      'hang',
      'refuse',
    ),
    'none',
    'How token requests fail, whatever they ask for.',
  ),
  fail_times: faultSwitch(
    orNull(wholeNumberFrom(1)),
    null,
    'token_fault applies to this many token requests, then both clear themselves. null: until switched off.',
  ),
  token_delay_ms: faultSwitch(wholeNumberFrom(0), 0, 'Milliseconds that pass before a token request is answered.'),
  token_requests_per_hour: faultSwitch(
    orNull(wholeNumberFrom(0)),
    null,
    'Token requests granted in any hour; the next one is answered 429. null: no limit.',
  ),
  max_live_tokens: faultSwitch(
    orNull(wholeNumberFrom(1)),
    null,
    'A token issued past this many kills the oldest one. null: no limit.',
  ),
  api_401: faultSwitch(flag(), false, 'Every API call is answered 401, whatever its token.'),
  api_401_paths: faultSwitch(
    listOfPaths(),
    [] as readonly string[],
    'API calls at or below these paths (without the prefix of the provider) are answered 401, whatever their token.',
  ),
  api_fault: faultSwitch(
    oneOf('none', '500', 'drop', 'drop_after_head', 'hang'),
    'none',
    'How API calls fail, whatever their token.',
  ),
  api_delay_ms: faultSwitch(wholeNumberFrom(0), 0, 'Milliseconds that pass before an API call is answered.'),
  rate_limit_per_second: faultSwitch(
    orNull(wholeNumberFrom(0)),
    null,
    'API calls let through in any second; the next one is answered 429. null: no limit.',
  ),
  reads_per_hour: faultSwitch(
    orNull(wholeNumberFrom(0)),
    null,
    'API calls with GET or HEAD let through in any hour, told in X-RateLimit-*. null: no limit.',
    'getbill',
  ),
  writes_per_hour: faultSwitch(
    orNull(wholeNumberFrom(0)),
    null,
    'API calls with any other method let through in any hour, told in X-RateLimit-*. null: no limit.',
    'getbill',
  ),
  refresh_token: faultSwitch(
    flag(),
    false,
    'Token responses hold a refresh_token, good for one use with grant_type=refresh_token.',
    'getbill',
  ),
  accept_client_secret_post: faultSwitch(
    flag(),
    false,
    'Client credentials in the body are accepted as well as in Basic.',
    'gobiz',
  ),
  invalid_grant_status: faultSwitch(
    oneOfNumbers(400, 401),
    401,
    'Status of an invalid_grant answer: two versions of the document disagree.',
    'uber',
  ),
}

/** The switches of one provider, all of them. `expires_in` is undefined while it is "as documented". */
export type Faults = {
  readonly [K in keyof typeof faultTable]: (typeof faultTable)[K] extends FaultSwitch<infer T> ? T : never
}

/** How a token request fails; `none` for not at all. */
export type TokenFault = Faults['token_fault']

type Domain<T> = Pick<FaultSwitch<T>, 'accepts' | 'expects'>

function faultSwitch<T>(domain: Domain<T>, byDefault: NoInfer<T>, does: string, only?: ProviderName): FaultSwitch<T> {
  return { ...domain, byDefault, does, ...(only === undefined ? {} : { only }) }
}

function anyJson(): Domain<JsonValue | undefined> {
  return { expects: 'any JSON value', accepts: (_value): _value is JsonValue | undefined => true }
}

function flag(): Domain<boolean> {
  return { expects: 'true or false', accepts: (value) => typeof value === 'boolean' }
}

function numberBetween(least: number, most: number): Domain<number> {
  return {
    expects: `a number from ${least} to ${most}`,
    accepts: (value): value is number => typeof value === 'number' && value >= least && value <= most,
  }
}

function wholeNumberFrom(least: number): Domain<number> {
  return {
    expects: `a whole number from ${least}`,
    // Past 2^31-1 a timer of Node's fires at once.
    accepts: (value): value is number => Number.isInteger(value) && Number(value) >= least && Number(value) < 2 ** 31,
  }
}

function orNull<T>(domain: Domain<T>): Domain<T | null> {
  return {
    expects: `${domain.expects}, or null`,
    accepts: (value): value is T | null => value === null || domain.accepts(value),
  }
}

function oneOf<const T extends string>(...names: readonly T[]): Domain<T> {
  return {
    expects: `one of ${names.map((name) => `"${name}"`).join(', ')}`,
    accepts: (value): value is T => names.some((name) => name === value),
  }
}

function oneOfNumbers<const T extends number>(...numbers: readonly T[]): Domain<T> {
  return { expects: numbers.join(' or '), accepts: (value): value is T => numbers.some((number) => number === value) }
}

function listOfPaths(): Domain<readonly string[]> {
  return {
    expects: 'a list of paths that start with /',
    accepts: (value): value is readonly string[] =>
      Array.isArray(value) && value.every((path) => typeof path === 'string' && path.startsWith('/')),
  }
}
