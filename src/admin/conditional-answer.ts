import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'

/** Answers with a body, or with 304 to who has it already (RFC 9110 13.1.2): a page that is open asks again every two seconds. */
export function sendAsked(request: Request, response: Response, body: string | Buffer): void {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  response.set('ETag', etag)
  if (request.get('if-none-match') === etag) response.status(304).end()
  else response.send(body)
}
