import type { Credential } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'

/**
 * Which of the two client secrets of a credential is in use, so that a provider can take a new one at any moment. It remembers
 * the value that was accepted, not the key it stood under: once the new secret has moved to `client_secret`, that is the one
 * that goes on being used.
 */
export class ClientSecrets {
  readonly #credential: Pick<Credential, 'client_secret' | 'client_secret_next'>
  #accepted: string | undefined

  constructor(credential: Pick<Credential, 'client_secret' | 'client_secret_next'>) {
    this.#credential = credential
  }

  /** The secret to ask with, and the one to ask with when that is refused, if there is another. */
  inOrder(): readonly [current: Secret | undefined, other?: Secret] {
    const { client_secret, client_secret_next } = this.#credential
    if (client_secret === undefined || client_secret_next === undefined) return [client_secret]
    const [first, next] = [client_secret.reveal(), client_secret_next.reveal()]
    if (first === next) return [client_secret]
    return next === this.#accepted ? [client_secret_next, client_secret] : [client_secret, client_secret_next]
  }

  /** The token endpoint knows this one. */
  accept(secret: Secret | undefined): void {
    this.#accepted = secret?.reveal()
  }
}
