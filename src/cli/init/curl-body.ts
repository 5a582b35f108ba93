import { UsageError } from '../command.ts'
import type { CurlOption } from './curl-options.ts'

/** What a call sends, before it is known what it means. */
export type CurlBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string; readonly isJson: boolean }
  | { readonly kind: 'multipart'; readonly parts: readonly (readonly [name: string, value: string])[] }

type Field = readonly [name: string, value: string]

/**
 * Puts together what the options of a call send.
 * @param headers of the call; what curl would add for an option is added
 * @returns the body, and with -G what goes into the query instead
 * @throws UsageError for what comes from a file, or what curl would not send either
 */
export function curlBody(
  options: readonly CurlOption[],
  headers: Field[],
): { readonly body: CurlBody; readonly inQuery: string[] } {
  const data = options.flatMap(dataOf)
  const parts = options.flatMap(partsOf)
  const isInQuery = options.some(({ meaning }) => meaning === 'get')
  const isJson = options.some(({ meaning }) => meaning === 'json')
  if (parts.length > 0 && (data.length > 0 || isInQuery))
    throw new UsageError('the call has -F and another body; curl sends one of them only')
  if (parts.length > 0) return { body: { kind: 'multipart', parts }, inQuery: [] }
  if (data.length === 0) return { body: { kind: 'none' }, inQuery: [] }
  // --json sends its pieces without anything between them.
  if (!isInQuery)
    return { body: { kind: 'text', text: data.join(isJson ? '' : '&'), isJson: isJson && !hasType(headers) }, inQuery: [] }
  return { body: { kind: 'none' }, inQuery: data }
}

function hasType(headers: readonly Field[]): boolean {
  return headers.some(([name]) => name.toLowerCase() === 'content-type')
}

function dataOf({ meaning, value }: CurlOption): string[] {
  if (meaning === 'data-raw') return [value]
  if (meaning === 'data-urlencode') return [urlencoded(value)]
  if (meaning !== 'data' && meaning !== 'json') return []
  refuseFile(value.startsWith('@'))
  return [value]
}

/** `content`, `=content`, `name=content`; only the content is encoded. @throws UsageError for `name@file` */
export function urlencoded(value: string): string {
  const at = value.indexOf('=')
  refuseFile(at < 0 && value.includes('@'))
  const name = value.slice(0, Math.max(at, 0))
  const content = new URLSearchParams([['', value.slice(at + 1)]]).toString().slice(1)
  return name === '' ? content : `${name}=${content}`
}

function partsOf({ meaning, value }: CurlOption): Field[] {
  if (meaning !== 'form' && meaning !== 'form-string') return []
  const at = value.indexOf('=')
  if (at < 0) throw new UsageError("a part of the call (-F) has no name; write it as -F 'name=value'")
  const name = value.slice(0, at)
  const content = value.slice(at + 1)
  if (meaning === 'form-string') return [[name, content]]
  refuseFile(/^(@|<(?![A-Za-z][^<>]*>$))/.test(content))
  if (content.startsWith('(')) throw new UsageError('the call has a part (-F) with parts of its own, which bearerd does not send')
  return [[name, partOf(content)]]
}

/** Content as -F takes it: quotes, and behind a semicolon what it is. */
function partOf(content: string): string {
  const [, quoted, behind = ''] = /^\s*"((?:\\[^]|[^\\"])*)"\s*([^]*)$/.exec(content) ?? []
  if (quoted !== undefined && (behind === '' || behind.startsWith(';'))) {
    refuseParameters(behind)
    return quoted.replace(/\\([\\"])/g, '$1')
  }
  refuseParameters(content.slice(content.indexOf(';') < 0 ? content.length : content.indexOf(';')))
  return content.trim()
}

function refuseParameters(text: string): void {
  if (text !== '')
    throw new UsageError(
      "a part of the call (-F) has a ';', behind which curl reads a type; use --form-string, or leave the type out",
    )
}

function refuseFile(isFile: boolean): void {
  if (isFile)
    throw new UsageError('the call sends a file (@ or <); write its content in its place, with ${NAME} for what is secret')
}
