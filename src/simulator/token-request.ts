import type { IncomingMessage } from 'node:http'
import { mediaType, receivedFields } from './fields.ts'
import type { Fields } from './fields.ts'
import { isJsonObject, parseJson, readBody } from './received-body.ts'

/** How the body of a token request was encoded; `other` is any media type that no provider knows. */
export type BodyEncoding = 'none' | 'form' | 'multipart' | 'json' | 'other'

/** A token request as received, parsed but not judged. */
export interface TokenRequest {
  readonly method: string
  readonly fields: Fields
  readonly encoding: BodyEncoding
  /** Parameters of a form or multipart body, and the strings of a JSON object. Empty ones count as absent (RFC 6749 3.2). */
  readonly params: ReadonlyMap<string, string>
  /** The JSON body, whatever it is; undefined when there is none. */
  readonly json: unknown
  /** Why the body cannot be understood; undefined when it can. */
  readonly problem: string | undefined
}

const MAX_BODY_BYTES = 64 * 1024

/**
 * Reads and parses a token request. A body that is too long, malformed or ambiguous is reported in `problem`.
 * @throws when the connection ends before the body does.
 */
export async function readTokenRequest(request: IncomingMessage): Promise<TokenRequest> {
  const fields = receivedFields(request)
  const { bytes, content } = await readBody(request, MAX_BODY_BYTES)
  const encoding = bytes === 0 ? 'none' : (encodings.get(mediaType(fields) ?? '') ?? 'other')
  const parsed =
    content === undefined
      ? unreadable(`the body is longer than ${MAX_BODY_BYTES} bytes`)
      : await parseBody(encoding, content, request.headers['content-type'] ?? '')
  return { method: request.method ?? '', fields, encoding, ...parsed }
}

type ParsedBody = Pick<TokenRequest, 'params' | 'json' | 'problem'>

const encodings: ReadonlyMap<string, BodyEncoding> = new Map([
  ['application/x-www-form-urlencoded', 'form'],
  ['multipart/form-data', 'multipart'],
  ['application/json', 'json'],
])

async function parseBody(encoding: BodyEncoding, content: Buffer<ArrayBuffer>, contentType: string): Promise<ParsedBody> {
  if (encoding === 'json') return jsonParams(content)
  if (encoding === 'form' || encoding === 'multipart') return await formParams(content, contentType)
  return { params: new Map(), json: undefined, problem: undefined }
}

function jsonParams(content: Buffer): ParsedBody {
  const json = parseJson(content)
  if (!isJsonObject(json)) return unreadable('the body is not a JSON object')
  const params = new Map<string, string>()
  for (const [name, value] of Object.entries(json)) if (typeof value === 'string' && value !== '') params.set(name, value)
  return { params, json, problem: undefined }
}

async function formParams(content: Buffer<ArrayBuffer>, contentType: string): Promise<ParsedBody> {
  const params = new Map<string, string>()
  try {
    const form = await new Response(content, { headers: { 'Content-Type': contentType } }).formData()
    for (const [name, value] of form) {
      if (typeof value !== 'string') return unreadable(`"${name}" is a file`)
      // RFC 6749 3.2: "Request and response parameters MUST NOT be included more than once."
      if (params.has(name)) return unreadable(`"${name}" is there more than once`)
      params.set(name, value)
    }
  } catch {
    return unreadable(`the body is not ${contentType}`)
  }
  for (const [name, value] of params) if (value === '') params.delete(name)
  return { params, json: undefined, problem: undefined }
}

function unreadable(problem: string): ParsedBody {
  return { params: new Map(), json: undefined, problem }
}
