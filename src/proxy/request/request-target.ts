import { GatewayError } from '../errors/gateway-error.ts'

/** A request target in origin-form (RFC 9112 3.2.1), byte for byte. */
export interface RequestTarget {
  /** Starts with a slash. */
  readonly path: string
  /** With its question mark; empty when there is none. */
  readonly query: string
  /** The authority of an absolute-form target (RFC 9112 3.2.2), which then counts instead of Host. */
  readonly authority: string | undefined
}

/** Visible ASCII (RFC 3986 allows less, but what goes through unchanged harms nobody), and no fragment (RFC 9112 3.2). */
const allowed = /^[\x21\x22\x24-\x7e]+$/

/**
 * A dot segment in any spelling that some server reads as one: `.` or `%2e`, between slashes, backslashes or their escapes, also
 * before a parameter. Only a path that could never leave the base path goes on.
 */
const dotSegment = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\;]|%2f|%5c|%3b|$)/i

/**
 * Reads the target of a request; nothing of it is decoded or resolved.
 * @throws GatewayError `bad_request` for a target that no gateway should forward
 */
export function readRequestTarget(target: string): RequestTarget {
  if (!allowed.test(target)) {
    throw new GatewayError(
      'bad_request',
      'the request target holds a control byte, a byte over 0x7e or a fragment (RFC 9112 3.2)',
    )
  }
  if (target === '*') return { path: '*', query: '', authority: undefined }
  const absolute = target.startsWith('/') ? undefined : /^https?:\/\/([^/?]*)(.*)$/i.exec(target)
  if (absolute === null) throw new GatewayError('bad_request', 'the request target is not in origin-form (RFC 9112 3.2.1)')
  const rest = absolute?.[2] ?? target
  const queryAt = rest.indexOf('?')
  const path = queryAt < 0 ? rest : rest.slice(0, queryAt)
  if (dotSegment.test(path)) {
    throw new GatewayError('bad_request', 'the path holds a dot segment, which could leave the path of the upstream')
  }
  return { path: path === '' ? '/' : path, query: queryAt < 0 ? '' : rest.slice(queryAt), authority: absolute?.[1] }
}
