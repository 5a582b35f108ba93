/** How long the token endpoint takes for an answer, in milliseconds: as long as one in the same region does. */
export const tokenRequestMs = 50

/** The access token that is live after so many revocations, starting with 1. Most contenders have the first one in their configuration. */
export function tokenOf(generation: number): string {
  return `bench-access-token-${generation}`
}
