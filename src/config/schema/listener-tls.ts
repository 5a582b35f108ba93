import type { z } from 'zod'
import { pem, strictObject } from './values.ts'

/**
 * `tls` of a listener.
 * @param env where `{env: NAME}` is looked up
 */
export function listenerTls(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    cert: pem(env).describe('Certificate with its chain: a path, which is read again when the file changes, or PEM.'),
    key: pem(env).describe('Its private key.'),
    client_ca: pem(env)
      .optional()
      .describe('Certificates of the authorities whose client certificates prove a caller (tls_subject).'),
  })
}

/** What a listener speaks TLS with. */
export type ListenerTls = Readonly<z.output<ReturnType<typeof listenerTls>>>
