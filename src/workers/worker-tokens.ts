import { LRUCache } from 'lru-cache'
import type { Config, Credential } from '../config/config.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Clock } from '../tokens/clock.ts'
import type { TokenSupply } from '../tokens/token-supply.ts'
import type { Link } from './link.ts'
import type { TokenMessage } from './token-message.ts'
import type { FromMain, FromWorker, SupplyName } from './vocabulary.ts'
import { WorkerSupply } from './worker-supply.ts'

/** What the supplies of a worker are made of. */
export interface WorkerTokensParts {
  readonly link: Link<FromWorker, FromMain>
  readonly metrics: Metrics
  readonly clock: Pick<Clock, 'nowMs'>
  /** Identities whose tokens are known at a time. */
  readonly most: number
}

/** The supplies of a worker, one for each credential or each identity of it, by configuration. */
export class WorkerTokens {
  readonly #parts: WorkerTokensParts
  readonly #shared = new WeakMap<Credential, WorkerSupply>()
  readonly #generations = new WeakMap<Credential, number>()
  /** By name; those of the configuration in use and of the one that is prepared. */
  readonly #byName = new Map<string, WorkerSupply>()
  /** Of all identities; the one used longest ago goes first. Made when first needed, because it takes up room from the beginning. */
  #perIdentity: LRUCache<string, { readonly supply: WorkerSupply; readonly name: SupplyName }> | undefined

  constructor(parts: WorkerTokensParts) {
    this.#parts = parts
  }

  /** Makes the supplies of a configuration; those before stay, for requests that began with them. */
  add(generation: number, credentials: Config['credentials']): void {
    for (const [name, credential] of credentials) {
      this.#generations.set(credential, generation)
      if (credential.identityFields.length > 0) continue
      const supplyName = { generation, credential: name, identity: nobody }
      const supply = this.#make(credential, supplyName)
      this.#shared.set(credential, supply)
      this.#byName.set(keyOf(supplyName), supply)
    }
  }

  /** Hears no more of the tokens of other configurations. Requests that began with one ask for what they need. */
  keepOnly(generation: number): void {
    const isOther = (key: string): boolean => !key.startsWith(`[${generation},`)
    for (const key of this.#byName.keys()) if (isOther(key)) this.#byName.delete(key)
    for (const key of this.#perIdentity?.keys() ?? []) if (isOther(key)) this.#perIdentity?.delete(key)
  }

  /**
   * The supply of a credential of any configuration so far.
   * @throws TypeError for any other
   */
  of(credential: Credential, identity: Identity): TokenSupply {
    const shared = this.#shared.get(credential)
    if (shared !== undefined) return shared
    const generation = this.#generations.get(credential)
    if (generation === undefined) throw new TypeError(`unknown credential ${credential.name}`)
    const name = { generation, credential: credential.name, identity }
    const key = keyOf(name)
    const { link, most } = this.#parts
    this.#perIdentity ??= new LRUCache({ max: most, dispose: (held) => link.tell('dropped', held.name) })
    const known = this.#perIdentity.get(key)
    if (known !== undefined) return known.supply
    const supply = this.#make(credential, name)
    this.#perIdentity.set(key, { supply, name })
    return supply
  }

  /** Takes what the main process says of a token. */
  hear(name: SupplyName, token: TokenMessage | null): void {
    const key = keyOf(name)
    const supply = this.#byName.get(key) ?? this.#perIdentity?.peek(key)?.supply
    supply?.hear(token)
  }

  #make(credential: Credential, name: SupplyName): WorkerSupply {
    const { metrics, ...parts } = this.#parts
    return new WorkerSupply(credential, name, { ...parts, metrics: metrics.forCredential(credential.name) })
  }
}

/** Different names are different texts, whatever is in them. */
export function keyOf({ generation, credential, identity }: SupplyName): string {
  return JSON.stringify([generation, credential, ...identity])
}
