/** RFC 7523 2.1: an assertion is the grant. */
export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** The variables that a grant type takes for its own parameters, which have the same names (RFC 6749 4.3.2, 6). */
export function grantVariables(grantType: string): readonly string[] {
  if (grantType === 'password') return ['username', 'password']
  return grantType === 'refresh_token' ? ['refresh_token'] : []
}
