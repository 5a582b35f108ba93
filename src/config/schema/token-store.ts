import { z } from 'zod'
import type { Secret } from '../secret.ts'
import { asProblem } from './problem-code.ts'
import { oneOf, pem, secret, strictObject, text, wholeNumber } from './values.ts'

const defaultTokens = 10_000

/**
 * `token_store`: a word, or one group named after the store.
 * @param env where `{env: NAME}` secrets are looked up
 */
export function tokenStore(env: Readonly<NodeJS.ProcessEnv>) {
  const encryptionKey = secret(env).refine(isKey, {
    error: 'not 32 bytes in base64; make one with "openssl rand -base64 32"',
  })
  const stores = strictObject({
    memory: strictObject({
      max_tokens: wholeNumber(1, 1_000_000)
        .default(defaultTokens)
        .describe('Tokens held at a time, where there is one per identity; the one used longest ago goes first.'),
    })
      .optional()
      .describe('In the memory of the process; gone with it.'),
    file: strictObject({
      path: text('the path of a file', '/var/lib/bearerd/tokens').describe(
        'The encrypted file, with mode 0600; made when there is none.',
      ),
      encryption_key: encryptionKey.describe('32 bytes in base64 (openssl rand -base64 32).'),
      encryption_key_previous: encryptionKey.optional().describe('The key before, which still opens what it closed.'),
    })
      .optional()
      .describe('In a file: survives a restart.'),
    redis: strictObject({
      url: secret(env)
        .refine((url) => /^rediss?:\/\/[^/]+/.test(url.reveal()) && URL.canParse(url.reveal()), {
          error: 'not a redis:// or rediss:// URL; write it as rediss://user:${REDIS_PASSWORD}@redis.example.com:6379/0',
        })
        .describe('Where it is; rediss:// speaks TLS. Treated as a secret, because it may hold a password.')
        .meta({ shown: ['rediss://user:${REDIS_PASSWORD}@redis.example.com:6379/0'] }),
      encryption_key: encryptionKey.describe('32 bytes in base64 (openssl rand -base64 32); the same for all replicas.'),
      encryption_key_previous: encryptionKey.optional().describe('The key before, which still opens what it closed.'),
      prefix: text('a prefix', 'bearerd:')
        .default('bearerd:')
        .describe('What the names of all keys begin with, for a Redis that others use too.'),
      tls: strictObject({
        ca: pem(env).optional().describe("Certificates of the authorities to trust, instead of the system's."),
        cert: pem(env).optional().describe('Client certificate, with its chain.'),
        key: pem(env).optional().describe('Its private key.'),
        server_name: text('a host name', 'redis.example.com')
          .optional()
          .describe('The name its certificate has, if not that of the URL.'),
      })
        .optional()
        .describe('TLS to Redis, for rediss://.'),
    })
      .optional()
      .describe('In Redis (or Valkey), shared by all replicas: one token request for the whole fleet.'),
  })
  return z
    .union([oneOf(['memory']), stores], {
      error: 'expected memory, or one store with its keys; for example {file: {path: PATH, encryption_key: {env: NAME}}}',
    })
    .transform((value, context): TokenStoreConfig => {
      if (context.issues.length > 0) return z.NEVER
      if (typeof value === 'string') return { kind: 'memory', max_tokens: defaultTokens }
      const { memory, file, redis } = value
      if ([memory, file, redis].filter((store) => store !== undefined).length === 1) {
        if (memory !== undefined) return { kind: 'memory', ...memory }
        if (file !== undefined) return { kind: 'file', max_tokens: defaultTokens, ...file }
        if (redis !== undefined) return { kind: 'redis', max_tokens: defaultTokens, ...redis }
      }
      context.addIssue({
        code: 'custom',
        message: 'tokens are kept in one place; write one of memory, file and redis',
        params: asProblem('conflicting_keys'),
      })
      return z.NEVER
    })
}

/** Where tokens are kept. `max_tokens` are held in memory besides, whatever the store. */
export type TokenStoreConfig =
  | { readonly kind: 'memory'; readonly max_tokens: number }
  | ({ readonly kind: 'file'; readonly max_tokens: number; readonly path: string } & EncryptionKeys)
  | ({
      readonly kind: 'redis'
      readonly max_tokens: number
      readonly url: Secret
      readonly prefix: string
      readonly tls?: RedisTls | undefined
    } & EncryptionKeys)

/** What entries that leave the process are encrypted with. */
export interface EncryptionKeys {
  readonly encryption_key: Secret
  readonly encryption_key_previous?: Secret | undefined
}

/** What a connection to Redis is made with, beyond the system's trust. */
export interface RedisTls {
  readonly ca?: Secret | undefined
  readonly cert?: Secret | undefined
  readonly key?: Secret | undefined
  readonly server_name?: string | undefined
}

function isKey(key: Secret): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(key.reveal())
}
