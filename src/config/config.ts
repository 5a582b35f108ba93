import type { z } from 'zod'
import type { credentialSchema } from './schema/credential.ts'
import type { gatewaySchema } from './schema/gateway.ts'
import type { routeSchema } from './schema/route.ts'
import type { Secret } from './secret.ts'

/** The keys of a credential; complete, presets and defaults filled in. */
export type CredentialKeys = Readonly<z.output<ReturnType<typeof credentialSchema>>>

/** How one provider's tokens are got, renewed and put onto requests. */
export type Credential = CredentialKeys & {
  readonly name: string
  /**
   * The fields of the caller's request whose values its token request holds; lower-case names, sorted. With any, there is one
   * token for each combination of their values; with none, one token for all.
   */
  readonly identityFields: readonly string[]
}

/** What could be read of something that may have problems: the keys that are right. */
export type Known<Whole> = { readonly [Key in keyof Whole]?: Whole[Key] | undefined }

/** One route; complete. */
export type Route = Readonly<Omit<z.output<ReturnType<typeof routeSchema>>, 'credential'>> & {
  /** What metrics, logs and errors call it: its configured host and path. */
  readonly label: string
  readonly credential: Credential | undefined
}

/** The whole configuration: frozen, complete, checked. Nothing below this layer reads or checks it again. */
export type Config = Readonly<Omit<z.output<ReturnType<typeof gatewaySchema>>, 'credentials' | 'routes'>> & {
  /** The file it came from, as it was named. */
  readonly file: string
  /** What the file said, word for word: whoever reads the same gets the same. A secret, because it may hold some. */
  readonly text: Secret
  readonly credentials: ReadonlyMap<string, Credential>
  readonly routes: readonly Route[]
}
