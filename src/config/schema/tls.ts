import type { z } from 'zod'
import { pem, strictObject, text } from './values.ts'

/**
 * What connections are made with, in PEM; `check-tls.ts` says whether the parts belong together.
 * @param env where `{env: NAME}` is looked up
 * @param who what the connections go to, as words for the descriptions
 */
export function clientTls(env: Readonly<NodeJS.ProcessEnv>, who: string) {
  return strictObject(parts(env, who))
}

/** As `clientTls`, with a name other than that in the URL. */
export function upstreamTls(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    ...parts(env, 'the upstream'),
    server_name: text('a host name', 'api.example.com')
      .regex(/^(?![\d.]+$)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, {
        error: 'not a host name (RFC 6066 3 knows no addresses); write a name that stands in the certificate',
      })
      .optional()
      .describe("The name that is asked for (SNI) and that the certificate has to hold, when it is not the upstream's host."),
  })
}

function parts(env: Readonly<NodeJS.ProcessEnv>, who: string) {
  const optional = (): z.ZodOptional<ReturnType<typeof pem>> => pem(env).optional()
  return {
    ca: optional().describe(`Certificates of the authorities to trust for ${who}, instead of the system's.`),
    cert: optional().describe('Client certificate, with its chain (RFC 8705).'),
    key: optional().describe('Its private key.'),
  }
}
