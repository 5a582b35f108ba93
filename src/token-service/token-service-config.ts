import type { Config } from '../config/config.ts'

/** A configuration that has a token service. */
export type TokenServiceConfig = Config & { readonly token_service: NonNullable<Config['token_service']> }

/** Whether a configuration has a token service. */
export function hasTokenService(config: Config): config is TokenServiceConfig {
  return config.token_service !== undefined
}
