import type { Group } from '../../config/groups.ts'
import { isGroup } from '../../config/groups.ts'
import { signingAlgorithms } from '../../config/signing-key.ts'

/**
 * What can be learnt of an assertion from one that stands in a call: how it was signed and by which key.
 * @param jwt as it stands in the call; documentation often has only a placeholder there
 * @param endpoint the token endpoint, which is the audience by default
 * @param name of the credential, for the path of the key, which somebody has to fill in
 */
export function assertionOf(jwt: string, endpoint: string, name: string): { readonly isShared: boolean; readonly keys: Group } {
  const [head, claims] = jwt.split('.', 2).map(partOf)
  const alg = signingAlgorithms.find((known) => known === head?.['alg']) ?? 'RS256'
  const aud = claims?.['aud']
  const kid = head?.['kid']
  return {
    isShared: alg === 'HS256',
    keys: {
      alg,
      ...(typeof kid === 'string' && { kid }),
      key: { file: `/run/secrets/${name}-key` },
      ...(typeof aud === 'string' && /^https?:\/\/[^{}$]+$/.test(aud) && aud !== endpoint && { claims: { aud } }),
    },
  }
}

function partOf(part: string): Group | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isGroup(value) ? value : undefined
  } catch {
    return undefined
  }
}
