import { spawn, spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { delimiter } from 'node:path'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { scratch } from './cli-scratch.ts'
import { httpServer, readBody } from './servers.ts'

const isCi = process.env['CI'] === 'true'

/** Whether real calls of curl can be made; where not, tests that need them are skipped and say so, but never in CI. */
export const hasCurl = isCi || (spawnSync('curl', ['--version']).status === 0 && spawnSync('bash', ['--version']).status === 0)

/** What a token request is to a provider, free of what may differ: order, the boundary of multipart, what every client says of itself. */
export interface SentRequest {
  readonly method: string
  readonly path: string
  readonly query: readonly string[]
  /** In the spelling that was sent. */
  readonly fields: readonly string[]
  readonly type: string
  readonly content: unknown
}

/**
 * Runs a command line in bash, with a curl that sends everything to this machine.
 * @param env what the shell has to fill in
 * @returns what curl sent
 */
export async function sentByCurl(call: string, env: Readonly<Record<string, string>> = {}): Promise<SentRequest> {
  const received: SentRequest[] = []
  const { port } = await httpServer(async (request, response) => {
    const body = await readBody(request)
    const { rawHeaders, method = '', url = '' } = request
    const headers = Array.from({ length: rawHeaders.length / 2 }, (_, index): [string, string] => [
      rawHeaders[2 * index] ?? '',
      rawHeaders[2 * index + 1] ?? '',
    ])
    received.push(await sentRequest(method, `https://a.example${url}`, headers, body))
    response.end()
  })
  const place = scratch()
  const program = place.write(
    'curl',
    `#!/bin/bash
arguments=()
for argument in "$@"; do
  [[ $argument == https://* ]] && argument=http://\${argument#https://}
  arguments+=("$argument")
done
PATH=\${PATH#*:}
exec curl --globoff --no-progress-meter --max-time 10 --output /dev/null --noproxy '*' --connect-to "::127.0.0.1:${port}" "\${arguments[@]}"
`,
  )
  chmodSync(program, 0o755)
  const child = spawn('bash', ['--norc', '-c', call], {
    env: { ...env, PATH: [place.folder, process.env['PATH']].join(delimiter) },
    cwd: place.folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  await new Promise((resolve) => child.on('close', resolve))
  const [first] = received
  if (first === undefined || received.length > 1) throw new Error(`curl sent ${received.length} requests: ${said}`)
  return first
}

/** What bearerd would send. */
export async function sentByBearerd({ method, url, headers, body }: TokenRequest): Promise<SentRequest> {
  return await sentRequest(method, url, Object.entries(headers), Buffer.from(body ?? []))
}

/** What every client says of itself, and what belongs to the connection. */
const ofClients =
  /^(host|user-agent|accept|accept-encoding|accept-language|content-length|content-type|connection|origin|referer|cookie|sec-.*)$/i

async function sentRequest(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
  body: Buffer,
): Promise<SentRequest> {
  const { pathname, searchParams } = new URL(target)
  const type = body.length === 0 ? '' : (headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '')
  return {
    method,
    path: pathname,
    query: linesOf(searchParams),
    // Basic and Bearer are no provider's own idea, so that every server reads their field in any spelling (RFC 9110 5.1).
    fields: linesOf(
      headers
        .filter(([name]) => !ofClients.test(name))
        .map(([name, value]) => [name === 'authorization' ? 'Authorization' : name, value]),
    ),
    type: type.replace(/;\s*boundary=.*/, ''),
    content: await contentOf(type, body),
  }
}

async function contentOf(type: string, body: Buffer): Promise<unknown> {
  if (/json/.test(type)) return JSON.parse(body.toString())
  if (type.startsWith('multipart/')) {
    const form = await new Response(body, { headers: { 'content-type': type } }).formData()
    return linesOf([...form].map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : 'a file']))
  }
  return linesOf(new URLSearchParams(body.toString()))
}

function linesOf(pairs: Iterable<readonly [string, string]>): string[] {
  return [...pairs].map(([name, value]) => `${name}: ${value}`).sort()
}
