import type { ServerResponse } from 'node:http'
import { jsonAnswer, sendAnswer, sendHalfAnswer, withFields } from './answer.ts'
import type { Answer } from './answer.ts'
import { invalidClient } from './client-credentials.ts'
import type { TokenFault } from './fault-table.ts'
import type { ProviderRules } from './provider-rules.ts'
import { opaqueToken } from './token-shape.ts'

/**
 * Answers a token request with a fault, in the words of its provider where it would have any. A token that such an answer
 * holds is a decoy that the provider never accepts, so a client that trusts a broken answer is found out at its next call.
 */
export function playTokenFault(
  fault: Exclude<TokenFault, 'none'>,
  response: ServerResponse,
  rules: ProviderRules,
  elsewhereUrl: string,
): void {
  switch (fault) {
    case '500':
      return sendAnswer(response, refusal(rules, 500, 'server_error'))
    case '503':
      return sendAnswer(response, refusal(rules, 503, 'temporarily_unavailable'))
    case '429':
      return sendAnswer(response, withFields(refusal(rules, 429, 'too_many_requests'), { 'Retry-After': '2' }))
    case 'html':
      return sendAnswer(response, { status: 200, fields: { 'Content-Type': 'text/html' }, body: '<h1>Down for maintenance</h1>' })
    case 'empty':
      return sendAnswer(response, { status: 200, fields: { 'Content-Type': 'application/json' }, body: '' })
    case 'cut_json':
      return sendAnswer(response, cutInHalf(decoyAnswer(rules, opaqueToken(32))))
    case 'error_200':
      return sendAnswer(response, jsonAnswer(200, { error: 'temporarily_unavailable' }))
    case 'line_break':
      return sendAnswer(response, decoyAnswer(rules, `${opaqueToken(16)}\r\nX-Injected: yes`))
    case 'no_token':
      return sendAnswer(response, decoyAnswer(rules, undefined))
    case 'redirect':
      return sendAnswer(response, { status: 302, fields: { Location: `${elsewhereUrl}/token` }, body: '' })
    case 'drip':
      return dripWhiteSpace(response)
    case 'drop':
      return void response.destroy()
    case 'drop_after_head':
      return sendHalfAnswer(response, decoyAnswer(rules, opaqueToken(32)))
    case 'hang':
      return
    case 'refuse':
      return sendAnswer(response, rules.refuseTokenRequest(invalidClient('switched on with token_fault')))
  }
}

const DRIP_INTERVAL_MS = 200

function refusal(rules: ProviderRules, status: number, error: string): Answer {
  return rules.refuseTokenRequest({ status, error, description: 'switched on with token_fault' })
}

function decoyAnswer(rules: ProviderRules, accessToken: string | undefined): Answer {
  const body = rules.tokenBody(accessToken ?? '', rules.documentedExpiresIn(0), { scope: '' })
  return jsonAnswer(200, accessToken === undefined ? { ...body, access_token: undefined } : body)
}

function cutInHalf(answer: Answer): Answer {
  return { ...answer, body: answer.body.slice(0, answer.body.length / 2) }
}

// White space is legal before a JSON value, so nothing but a deadline ends this.
function dripWhiteSpace(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.write(' ')
  const timer = setInterval(() => response.write(' '), DRIP_INTERVAL_MS)
  response.once('close', () => clearInterval(timer))
}
