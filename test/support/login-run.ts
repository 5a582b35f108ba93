import { stringify } from 'yaml'
import { loginCommand } from '../../src/cli/login.ts'
import { systemClock } from '../../src/tokens/clock.ts'
import type { Clock } from '../../src/tokens/clock.ts'
import { scratch } from './cli-scratch.ts'
import { smallStore } from './small-store.ts'
import type { SmallStore } from './small-store.ts'

/** What stands for a client secret in tests of the login. */
export const loginSecret = 'canary-client-secret-of-the-login'

/** The configuration of a credential that a person has to log in for. @returns the path of the file */
export function loginConfig(keys: Readonly<Record<string, unknown>>): string {
  const main = { grant_type: 'refresh_token', client_id: 'client-1', client_secret: loginSecret, ...keys }
  const other = { token_endpoint: 'https://auth.example.com/token', client_id: 'client-2', client_secret: loginSecret }
  const file = { path: '/nowhere/tokens', encryption_key: Buffer.alloc(32, 7).toString('base64') }
  return scratch().write(
    'proxy.config.yaml',
    stringify({
      token_store: { file },
      credentials: { main, other },
      routes: [{ path: '/api', upstream: 'https://api.example.com', credential: 'main' }],
    }),
  )
}

/** A login that is under way. */
export interface LoginRun {
  /** The address for the person. Fails when the command ends before it gives one. */
  readonly url: Promise<string>
  /** How it ended: with its exit code, or with its error. */
  readonly ended: Promise<number>
  readonly store: SmallStore
  readonly stdout: string[]
  readonly stderr: string[]
}

/** Runs `bearerd login` in this process, without the pauses before another attempt. */
export function runLogin(
  config: string,
  {
    name = 'main',
    store = smallStore(),
    ...values
  }: Readonly<{ name?: string; store?: SmallStore; timeout?: string; json?: boolean }> = {},
): LoginRun {
  const { promise: url, resolve, reject } = Promise.withResolvers<string>()
  const clock: Clock = { ...systemClock, after: (_delayMs, run) => systemClock.after(0, run) }
  const stdout: string[] = []
  const stderr: string[] = []
  const command = loginCommand({ openStore: () => Promise.resolve(store), openBrowser: resolve, clock })
  const ended = command.run({
    values: { config, ...values },
    positionals: name === '' ? [] : [name],
    env: {},
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
  })
  ended.catch(reject)
  url.catch(() => {})
  return { url, ended, store, stdout, stderr }
}
