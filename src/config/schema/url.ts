import { z } from 'zod'
import { isLoopbackHost } from '../loopback.ts'

/** The URL of a token endpoint. */
export const endpointUrl = z
  .string({ error: urlError })
  .transform((value, context) => {
    const url = parseHttpUrl(value)
    if (typeof url !== 'string') return url.href
    context.addIssue(url)
    return z.NEVER
  })
  .meta({ shown: ['https://auth.example.com/oauth2/token'] })

/** An issuer identifier (RFC 8414 2). It stays as it is written: it is compared character by character (RFC 9207 2.4). */
export const issuerIdentifier = z
  .string({ error: urlError })
  .refine((value) => URL.canParse(value) && /^https?:\/\/[^?#]+$/.test(value), {
    error: 'not an issuer identifier, which has no query or fragment; write it as https://auth.example.com',
  })
  .meta({ shown: ['https://auth.example.com'] })

/** What may be shown of a token endpoint: without its query, which may hold a key. @param url as `endpointUrl` gives it */
export function shownEndpoint(url: string): string {
  return url.replace(/\?.*$/s, '')
}

/**
 * A redirect URI on this machine (RFC 8252 7.3). It stays as it is written: providers compare it character by character (RFC
 * 6749 3.1.2.3).
 */
export const redirectUri = z
  .string({ error: redirectUriError })
  .refine((value) => isLoopbackRedirect(value), { error: redirectUriError })

function redirectUriError(): string {
  return 'not the address of a path on this machine; write it as http://127.0.0.1:8765/callback'
}

/** Without a query, to which the answer would be added, and spelt as `URL` spells it, so that it is what a browser asks for. */
function isLoopbackRedirect(value: string): boolean {
  const url = URL.parse(value)
  if (url === null || !/^http:\/\/[^/?#@]+(\/[^?#]*)?$/.test(value)) return false
  const [, port = ''] = /:(\d+)(?:\/|$)/.exec(value.slice('http:'.length)) ?? []
  const own = `http://${url.hostname}${port === '' ? '' : `:${port}`}${url.pathname}`
  return isLoopbackHost(url.hostname) && (value === own || `${value}/` === own)
}

/** The parts of an upstream's base URL; nothing of it is ever resolved against a request's target. */
export interface UpstreamUrl {
  readonly isTls: boolean
  /** As for a socket: without brackets around an IPv6 address. */
  readonly hostname: string
  readonly port: number
  /** The `Host` to send (RFC 9110 7.2): with brackets, without a default port. */
  readonly authority: string
  /** Starts with a slash or is empty; never ends with one. */
  readonly basePath: string
}

/**
 * Reads the base URL of an upstream: origin and base path, nothing else.
 * @returns what is wrong with it, of the form `problem; remedy` and without any part of it, when it is none
 */
export function parseUpstreamUrl(value: string): UpstreamUrl | string {
  const url = parseHttpUrl(value)
  if (typeof url === 'string') return url
  if (value.includes('?')) return 'an upstream has no query; set fixed parameters with "query: {set: {...}}" on the route'
  const isTls = url.protocol === 'https:'
  return {
    isTls,
    ...socketAddressOf(url),
    authority: url.host,
    basePath: url.pathname.replace(/\/+$/, ''),
  }
}

/** Where a socket for an http or https URL connects to: the host without brackets around an IPv6 address, and the port. */
export function socketAddressOf({ protocol, hostname, port }: URL): Pick<UpstreamUrl, 'hostname' | 'port'> {
  const defaultPort = protocol === 'https:' ? 443 : 80
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? defaultPort : Number(port) }
}

/** Where an http or https URL leads. */
export function placeOf(url: string): Pick<UpstreamUrl, 'isTls' | 'hostname' | 'port'> {
  const parsed = new URL(url)
  return { isTls: parsed.protocol === 'https:', ...socketAddressOf(parsed) }
}

/** The base URL of an upstream as people read it. */
export function formatUpstream({ isTls, authority, basePath }: UpstreamUrl): string {
  return `${isTls ? 'https' : 'http'}://${authority}${basePath}`
}

/** What is said of a value that is no text. */
export function urlError(): string {
  return 'expected a URL; for example https://api.example.com/v1'
}

function parseHttpUrl(value: string): URL | string {
  const url = URL.parse(value)
  if (url === null || !/^https?:\/\//i.test(value))
    return 'not an absolute http or https URL; write it as https://api.example.com/v1'
  // Shown in logs and error messages, unlike client_secret.
  if (url.username !== '' || url.password !== '') return 'a URL must not carry credentials; use client_id and client_secret'
  if (value.includes('#')) return 'a fragment is never sent; remove it'
  if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(value.replace(/^https?:\/\//i, '')))
    return 'a dot segment in the path; write the path that is meant'
  return url
}
