import type { Credential } from '../config/config.ts'
import { authorizationUrl, judgeRedirect, newAuthorizationAttempt } from '../oauth/authorization-code.ts'
import type { AuthorizationCode } from '../oauth/token-request.ts'
import type { BrowserPage } from './browser-page.ts'
import { OperationError } from './command.ts'
import { openLoopbackReceiver } from './loopback-receiver.ts'

/** What happens along the way. */
export interface ConsentSteps<Result> {
  /** Told of the address for the person, and of the one where the answer is waited for. */
  readonly announce: (url: string, redirectUri: string) => void
  /** Told of the first request that came instead of the answer. */
  readonly warn: (message: string) => void
  /**
   * Makes something of the code; the browser waits for it, so that its page can say how it went.
   * @throws OperationError whose message anybody may read
   */
  readonly redeem: (code: AuthorizationCode) => Promise<Result>
  /** Ends the waiting, with its reason. */
  readonly signal: AbortSignal
}

/**
 * Asks a person for consent (RFC 6749 4.1, RFC 7636, RFC 8252): waits on this machine until the browser comes back with the
 * answer to our own request. Any other request is refused and changes nothing, so that no web page can end a login.
 * @throws OperationError when there is no consent or the redirect URI cannot be used; what `redeem` throws; the signal's reason
 */
export async function askConsent<Result>(credential: Credential, steps: ConsentSteps<Result>): Promise<Result> {
  const attempt = newAuthorizationAttempt()
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  // It may fail before anybody waits for it.
  promise.catch(() => {})
  let isAnswered = false
  let hasWarned = false

  const receiver = await openLoopbackReceiver(credential.redirect_uri, async (query) => {
    const verdict = judgeRedirect(credential, attempt, query)
    if (verdict.outcome === 'stray') {
      if (!hasWarned) steps.warn(`refused ${verdict.message}; still waiting`)
      hasWarned = true
      return strayPage
    }
    if (isAnswered) return answeredPage
    isAnswered = true
    try {
      if (verdict.outcome === 'refused') throw new OperationError(`nobody is logged in: ${verdict.message}`)
      resolve(await steps.redeem({ code: verdict.code, redirectUri: receiver.redirectUri, codeVerifier: attempt.codeVerifier }))
      return donePage
    } catch (error) {
      reject(error)
      return failedPage(error)
    }
  })
  const onAbort = (): void => reject(steps.signal.reason)
  try {
    steps.signal.addEventListener('abort', onAbort)
    if (steps.signal.aborted) onAbort()
    else steps.announce(authorizationUrl(credential, attempt, receiver.redirectUri), receiver.redirectUri)
    return await promise
  } finally {
    steps.signal.removeEventListener('abort', onAbort)
    await receiver.close()
  }
}

const donePage: BrowserPage = { status: 200, title: 'Logged in', text: 'You can close this window.' }

const strayPage: BrowserPage = {
  status: 400,
  title: 'Not the answer',
  text: 'This does not belong to the login that is under way. Open the address that bearerd printed last.',
}

const answeredPage: BrowserPage = { status: 400, title: 'Answered already', text: 'You can close this window.' }

function failedPage(error: unknown): BrowserPage {
  const reason = error instanceof OperationError ? error.message : 'something failed inside bearerd'
  return { status: 400, title: 'Not logged in', text: `You can close this window. What went wrong: ${reason}.` }
}
