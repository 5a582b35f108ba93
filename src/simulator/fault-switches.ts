import type { ProviderName } from './clients.ts'
import { faultTable } from './fault-table.ts'
import type { Faults, FaultSwitch, TokenFault } from './fault-table.ts'

/** The fault switches of one provider: read with `current`, changed with `set`, back to faithful with `reset`. */
export class FaultSwitches {
  readonly #provider: ProviderName
  readonly #faithful: Faults
  #current: Faults

  /** `documented`: the switches that this provider's documents fix, such as its rate limit. */
  constructor(provider: ProviderName, documented: Partial<Faults>) {
    this.#provider = provider
    this.#faithful = { ...tableDefaults(), ...documented }
    this.#current = this.#faithful
  }

  /** All switches as they are now. */
  get current(): Faults {
    return this.#current
  }

  /** The switches that this provider has, as the control interface shows and takes them. */
  toJSON(): Partial<Faults> {
    const known = knownSwitches(this.#provider)
    return Object.fromEntries(Object.entries(this.#current).filter(([name]) => Object.hasOwn(known, name)))
  }

  /**
   * Merges the given switches into the current ones: all of them, or none.
   * @throws {FaultSwitchError} naming every unknown switch and every bad value.
   */
  set(switches: Partial<Faults>): void {
    const problems = Object.entries(switches).flatMap(([name, value]) => problemWith(this.#provider, name, value))
    if (problems.length > 0) throw new FaultSwitchError(problems)
    this.#current = { ...this.#current, ...switches }
  }

  /** Back to what the documents say. */
  reset(): void {
    this.#current = this.#faithful
  }

  /** The fault of the token request at hand; counts it against `fail_times`, and clears both when that is used up. */
  takeTokenFault(): TokenFault {
    const { token_fault: fault, fail_times: times } = this.#current
    if (fault === 'none' || times === null) return fault
    const left = times - 1
    this.#current =
      left > 0 ? { ...this.#current, fail_times: left } : { ...this.#current, fail_times: null, token_fault: 'none' }
    return fault
  }
}

/** Switches that cannot be set. The control interface answers 400 with `problems`. */
export class FaultSwitchError extends Error {
  override readonly name = 'FaultSwitchError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** Every switch that a provider has, with what it accepts and what it does. */
export function knownSwitches(provider: ProviderName): Record<string, string> {
  return Object.fromEntries(
    entriesOfTable()
      .filter(([, { only }]) => only === undefined || only === provider)
      .map(([name, { expects, does }]) => [name, `${expects}. ${does}`]),
  )
}

function problemWith(provider: ProviderName, name: string, value: unknown): string[] {
  const known = Object.hasOwn(faultTable, name) ? new Map(entriesOfTable()).get(name) : undefined
  if (known === undefined) return [`unknown switch "${name}"`]
  if (known.only !== undefined && known.only !== provider) return [`"${name}" has an effect on ${known.only} only`]
  if (!known.accepts(value)) return [`"${name}" must be ${known.expects}, not ${JSON.stringify(value)}`]
  return []
}

function tableDefaults(): Faults {
  return Object.fromEntries(entriesOfTable().map(([name, { byDefault }]) => [name, byDefault])) as Faults
}

function entriesOfTable(): [string, FaultSwitch<unknown>][] {
  return Object.entries(faultTable)
}
