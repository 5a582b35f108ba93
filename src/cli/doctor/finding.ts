/** What a check came to. `skipped` is for what cannot be tried here, with what to do instead. */
export type Verdict = 'ok' | 'warning' | 'failed' | 'skipped'

/** What one check found out. Holds nothing secret, and of what others sent only numbers. */
export interface Finding {
  /** What was looked at, in one word. */
  readonly check: string
  readonly verdict: Verdict
  /** For people; unless it is `ok`, of the form `problem; remedy`. */
  readonly message: string
  /** The figures in it, for scripts. */
  readonly facts?: Readonly<Record<string, number | string | boolean | null | readonly string[]>>
}

/** Says on the way what is being looked at. */
export type Tell = (check: string) => void
