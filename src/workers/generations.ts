import type { Config } from '../config/config.ts'
import type { ConfigMessage } from './vocabulary.ts'

/** So many configurations are remembered, for requests that began with one. */
const mostRemembered = 16

/** The configurations so far, numbered: workers name a credential by the configuration that they have it from. */
export class Generations {
  readonly #configs: Map<number, Config>
  #inUse = 0
  #added = 0

  constructor(first: Config) {
    this.#configs = new Map([[0, first]])
  }

  /** Another configuration, which is not in use yet. */
  add(config: Config): ConfigMessage {
    const generation = ++this.#added
    this.#configs.set(generation, config)
    return messageOf(generation, config)
  }

  /** It will not be used. */
  remove(generation: number): void {
    this.#configs.delete(generation)
  }

  use(generation: number): void {
    this.#inUse = generation
    for (const known of [...this.#configs.keys()].slice(0, -mostRemembered)) this.#configs.delete(known)
  }

  /** The one in use, for a worker. */
  inUse(): ConfigMessage {
    const config = this.#configs.get(this.#inUse)
    if (config === undefined) throw new TypeError('the configuration in use is not remembered')
    return messageOf(this.#inUse, config)
  }

  /** Undefined for one that is too long ago. */
  credentialsOf(generation: number): Config['credentials'] | undefined {
    return this.#configs.get(generation)?.credentials
  }
}

function messageOf(generation: number, { file, text }: Config): ConfigMessage {
  return { generation, file, text: text.reveal() }
}
