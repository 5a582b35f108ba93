import { z } from 'zod'
import { FilledText } from '../interpolation.ts'
import { Template, TemplateSyntaxError } from '../template.ts'
import { formatUpstream, parseUpstreamUrl, urlError } from './url.ts'
import type { UpstreamUrl } from './url.ts'

/** A base URL that is known only with a token: `{token.instance_url}/services/data`. */
export interface UpstreamTemplate {
  readonly template: Template
  /** As it is written, with an ellipsis for what variables filled in; may be shown. */
  readonly shown: string
}

/** Whether the token decides where the requests of a route go. */
export function isUpstreamTemplate(upstream: UpstreamUrl | UpstreamTemplate): upstream is UpstreamTemplate {
  return 'template' in upstream
}

/** A base URL as it stands in the file: a text that may be a template. */
export const upstreamText = z.union([z.string(), z.instanceof(FilledText)], { error: urlError })

/** The base URL of an upstream, or a template of one. */
export const upstream = upstreamText
  .transform((source, context): UpstreamUrl | UpstreamTemplate => {
    const template = compile(source)
    const result = typeof template === 'string' ? template : readUpstream(template, source)
    if (typeof result !== 'string') return result
    context.addIssue(result)
    return z.NEVER
  })
  .meta({ shown: ['https://api.example.com/v1', '{token.instance_url}'] })

/** The base URL of an upstream as people read it; of a template, the template. */
export function shownUpstream(value: UpstreamUrl | UpstreamTemplate): string {
  return isUpstreamTemplate(value) ? value.shown : formatUpstream(value)
}

function compile(source: string | FilledText): Template | string {
  try {
    return new Template(source)
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error
    return `${error.message}; write {token.FIELD}, a field of the token response`
  }
}

function readUpstream(template: Template, source: string | FilledText): UpstreamUrl | UpstreamTemplate | string {
  if (template.placeholders.length === 0) return parseUpstreamUrl(template.render(() => undefined))
  const other = template.placeholders.find((name) => !/^token\../.test(name))
  if (other !== undefined) {
    return `the template names {${other}}, but only the token decides on an upstream; write {token.FIELD}, a field of the token response`
  }
  const problem = problemOfSamples(template)
  return problem ?? { template, shown: shownText(source) }
}

/** What is wrong with a template whatever the token response says: with every one of some plausible answers. */
function problemOfSamples(template: Template): string | undefined {
  let problem: string | undefined
  for (const values of samplesFor(template)) {
    const left = [...values]
    const result = parseTokenUpstream(template.render(() => left.shift()))
    if (typeof result !== 'string') return undefined
    problem ??= result
  }
  return problem
}

/** A word or a number for each placeholder; for one at the beginning a URL or a scheme. */
function samplesFor(template: Template): string[][] {
  const [first, ...others] = template.placeholders
  // Nobody writes that many, and there would be too many samples.
  if (first === undefined || others.length > 4) return []
  let samples = literalStart(template) === '' ? [['https://a.example'], ['https']] : [['a'], ['1']]
  for (const _ of others)
    samples = samples.flatMap((values) => [
      [...values, 'a'],
      [...values, '1'],
    ])
  return samples
}

/** What stands in front of the first placeholder. */
export function literalStart(template: Template): string {
  let start = ''
  for (const part of template.reveal()) {
    if (typeof part !== 'string') break
    start += part
  }
  return start
}

/**
 * Reads a base URL that was made with fields of a token response. As strict as for one that is configured, and stricter: it must
 * say what it means in plain letters, so that nobody who reads it (a person, another parser) takes it for another place.
 * @returns what is wrong with it, as `parseUpstreamUrl`
 */
export function parseTokenUpstream(text: string): UpstreamUrl | string {
  // A URL parser drops line breaks and tabs, and takes a backslash for a slash.
  if (!/^[\x21-\x5b\x5d-\x7e]*$/.test(text)) return 'a character that no URL has; write it without'
  if (/%(2e|2f|5c)|\/\.{1,2};/i.test(text)) return 'a dot or slash in disguise; write the path that is meant'
  const url = parseUpstreamUrl(text)
  if (typeof url === 'string') return url
  // 0x7f.1, %65vil.example and :0443 mean other hosts and ports than they say.
  const authority = /^[a-z]+:\/\/([^/]*)/i.exec(text)?.[1]?.toLowerCase()
  const isPlain = authority === url.authority || authority === `${url.authority}:${url.port}`
  return isPlain ? url : 'a host or port that is not written as it is meant; write it plainly'
}

function shownText(source: string | FilledText): string {
  if (typeof source === 'string') return source
  return source.pieces.map(({ text, isFilled }) => (isFilled ? '…' : text)).join('')
}
