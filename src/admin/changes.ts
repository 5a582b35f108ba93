import type { Request, Response } from 'express'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import type { GatewayView } from './gateway-view.ts'

/** `POST /reload`: reads the configuration again, and says what became of it. */
export async function reload(view: GatewayView, request: Request, response: Response): Promise<void> {
  if (view.reload === undefined) {
    response.status(409).json({ error: 'the configuration does not come from a file' })
    return
  }
  const { isUsed, problems } = await view.reload()
  // The page shows the problems itself.
  if (request.accepts(['json', 'html']) === 'html') response.redirect(303, '/')
  else if (isUsed) response.json({ in_use: true })
  else response.status(422).json({ in_use: false, problems })
}

/** `POST /credentials/NAME/renew`: gets a new token, and says what there is now; never the token. */
export async function renew(view: GatewayView, request: Request, response: Response): Promise<void> {
  const name = String(request.params['name'])
  const source = view.tokens.named(name)
  if (view.tokens.identityStatus(name) !== undefined) {
    response.status(409).json({
      credential: name,
      error: `the credential ${name} has a token for each identity; each is renewed when a caller uses it or the upstream refuses it`,
    })
    return
  }
  if (source === undefined) {
    response.status(404).json({ error: `there is no credential named ${JSON.stringify(name)}` })
    return
  }
  const wantsPage = request.accepts(['json', 'html']) === 'html'
  try {
    const token = await source.renew()
    if (wantsPage) response.redirect(303, '/')
    else
      response.json({
        credential: name,
        fingerprint: token.fingerprint,
        expires: new Date(token.times.expiresAtEpochMs).toISOString(),
      })
  } catch (error) {
    if (!(error instanceof TokenUnavailableError)) throw error
    // The page shows the error itself, next to the credential.
    if (wantsPage) response.redirect(303, '/')
    else response.status(502).json({ credential: name, error: error.message })
  }
}
