import type { IncomingMessage } from 'node:http'

/** Header fields in received order and spelling. */
export type Fields = readonly (readonly [name: string, value: string])[]

/** The header fields of a request as they were received, repeated ones included (Node's own `headers` drops some of them). */
export function receivedFields(request: IncomingMessage): Fields {
  const { rawHeaders } = request
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : []))
}

/**
 * The value of a field, undefined when it is absent. Repeated fields are joined with a comma (RFC 9110 5.3), so a repeated
 * Authorization or client_id matches nothing and is refused.
 */
export function fieldValue(fields: Fields, name: string): string | undefined {
  const values = fields.filter(([received]) => received.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** The token of `Authorization: Bearer TOKEN` (RFC 6750 2.1; the scheme's case does not matter), or undefined. */
export function bearerToken(fields: Fields): string | undefined {
  return /^Bearer +(\S+)$/i.exec(fieldValue(fields, 'authorization') ?? '')?.[1]
}

/** The media type of the body without its parameters, in lower case; undefined when there is none. */
export function mediaType(fields: Fields): string | undefined {
  return fieldValue(fields, 'content-type')?.split(';')[0]?.trim().toLowerCase()
}
