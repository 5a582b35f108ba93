import { readFileSync } from 'node:fs'

/** What a contender for Node.js is told on its command line, as JSON. */
export interface NodeSetting {
  readonly port: number
  readonly upstream: string
  /** The authority to trust when the upstream has TLS; the JSON leaves it out otherwise. */
  readonly ca: string | undefined
  readonly authorization: string
}

/** Reads it. */
export function readSetting(): NodeSetting & { /** The authority's certificate. */ readonly trusted: Buffer | undefined } {
  const setting = JSON.parse(process.argv[2] ?? '') as NodeSetting
  return { ...setting, trusted: setting.ca === undefined ? undefined : readFileSync(setting.ca) }
}

/** What servers get in common: as many connections at once as callers open. */
export const backlog = 4_096
