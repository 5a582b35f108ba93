import { needsLogin } from '../config/check-logins.ts'
import type { Config, Credential } from '../config/config.ts'
import { loadConfig } from '../config/load-config.ts'
import { createCodeExchange } from '../oauth/exchange-code.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { AuthorizationCode } from '../oauth/token-request.ts'
import { createTokenTransport } from '../oauth/token-transport.ts'
import { createSilentLog } from '../telemetry/log.ts'
import { systemClock } from '../tokens/clock.ts'
import type { Clock } from '../tokens/clock.ts'
import type { TokenStore } from '../tokens/store/token-store.ts'
import { askConsent } from './ask-consent.ts'
import { OperationError, UsageError } from './command.ts'
import type { Command, CommandContext } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { noticeInterruption } from './interruption.ts'
import { keepLogin } from './keep-login.ts'
import type { LoginResult } from './keep-login.ts'
import { namedCredential } from './named-credential.ts'
import { openBrowser } from './open-browser.ts'
import { openStore } from './open-store.ts'
import { timeoutOf } from './timeout-option.ts'
import { packageVersion } from './version.ts'

/** What a login takes from outside. */
export interface LoginParts {
  readonly openStore: (config: Config) => Promise<TokenStore>
  /** Shows the person an address, if that is possible. */
  readonly openBrowser: (url: string) => void
  readonly clock: Clock
}

/** Makes `bearerd login`. */
export function loginCommand(parts: LoginParts): Command {
  return {
    name: 'login',
    usage: 'bearerd login CREDENTIAL [-c FILE] [--timeout DURATION] [--json]',
    options: {
      ...configOption,
      timeout: { type: 'string', value: 'DURATION', help: 'how long to wait for the answer (default 5m)' },
      json: { type: 'boolean', help: 'print the result as JSON' },
    },
    details:
      'Prints an address to open in a browser on this machine, waits for the answer (authorization code with PKCE on a\n' +
      'loopback redirect, RFC 7636, RFC 8252), and keeps the refresh token in the token store, from where a gateway takes\n' +
      'it, also one that is running. For credentials with grant_type: refresh_token and an authorization_endpoint.',
    maxPositionals: 1,
    run: async (context) => {
      const timeoutMs = timeoutOf(context, '5m')
      const [name] = context.positionals
      if (name === undefined) throw new UsageError('say which credential to log in for')
      const config = loadConfig(configFileOf(context), context.env)
      const credential = credentialOf(config, name)
      const store = await parts.openStore(config)
      try {
        if (!store.isLasting)
          throw new OperationError(`the ${store.name} token store would not keep the refresh token: choose one that lasts`)
        const result = await logIn(credential, store, timeoutMs, context, parts)
        context.stdout(context.values['json'] === true ? JSON.stringify(result) : sentenceOf(result))
        return 0
      } finally {
        await store.close()
      }
    },
  }
}

async function logIn(
  credential: Credential,
  store: TokenStore,
  timeoutMs: number,
  { stderr }: CommandContext,
  parts: LoginParts,
): Promise<LoginResult> {
  const transport = createTokenTransport(`bearerd/${packageVersion()}`)
  const exchange = createCodeExchange(transport, () => parts.clock.epochMs())
  const interruption = noticeInterruption('the login', timeoutMs)
  const redeem = async (code: AuthorizationCode): Promise<LoginResult> => {
    const grant = await exchange(credential, code).catch((error: unknown) => {
      if (!(error instanceof TokenRequestError)) throw error
      throw new OperationError(`no refresh token for ${credential.name}: ${error.message}`, { cause: error })
    })
    return await keepLogin(store, credential, grant, parts.clock)
  }
  const announce = (url: string, redirectUri: string): void => {
    stderr(`Open this address in a browser on this machine, and give your consent:\n\n  ${url}\n`)
    stderr(`Waiting for the answer at ${redirectUri} (Ctrl-C ends it).`)
    parts.openBrowser(url)
  }
  try {
    const { signal } = interruption
    return await askConsent(credential, { announce, warn: (message) => stderr(`bearerd: ${message}`), redeem, signal })
  } finally {
    interruption.end()
    await transport.close()
  }
}

function sentenceOf({ credential, store, scope, refresh_token_expires: expires }: LoginResult): string {
  const facts = [scope === null ? [] : [`scope ${scope}`], expires === undefined ? [] : [`good until ${expires}`]].flat()
  return `the refresh token of ${credential} is in the ${store} token store${facts.length > 0 ? ` (${facts.join('; ')})` : ''}`
}

function credentialOf(config: Config, name: string): Credential {
  const credential = namedCredential(config, name)
  if (needsLogin(credential)) return credential
  const { grant_type } = credential
  throw new OperationError(
    grant_type === 'refresh_token'
      ? `the credential ${name} needs no login: it has variables.refresh_token; write authorization_endpoint in its place to log in`
      : `the credential ${name} needs no login: its grant_type is ${grant_type}; a login is for refresh_token with authorization_endpoint`,
  )
}

/** `bearerd login` */
export const login: Command = loginCommand({
  clock: systemClock,
  // What the store would log is of no use to a person who waits; whether it keeps the token is said at the end.
  openStore: async (config) =>
    await openStore(config, { clock: systemClock, random: Math.random, log: createSilentLog(), onUp: () => {} }),
  openBrowser: (url) => {
    if (process.stdout.isTTY) openBrowser(url)
  },
})
