import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { readFileSync } from 'node:fs'
import type { RunningContender } from './contenders/contender.ts'
import { probeMark } from './upstream/answers.ts'
import type { Exchange } from './upstream/answers.ts'
import type { UpstreamProcess } from './upstream/upstream.ts'

const patienceMs = 10_000

/**
 * Makes one request through a contender and looks at both ends: the answer that the caller gets, and the request that the upstream got.
 * @returns what is wrong; undefined: nothing
 */
export async function validate(
  contender: RunningContender,
  exchange: Exchange,
  upstream: UpstreamProcess,
  authorization: string,
): Promise<string | undefined> {
  const { method, path, bodyBytes, contentType, answer } = exchange
  const { status, type, body } = await answerOf(contender, exchange)
  if (status !== 200) return `answered ${status}: ${body.toString().slice(0, 200)}`
  if (type !== contentType) return `answered with the type ${type} instead of ${contentType}`
  if (!body.equals(answer)) return `answered with another body (${body.length} bytes instead of ${answer.length})`
  const seen = await upstream.seen()
  const wanted = `${method} ${path} HTTP/1.1`
  if (seen.line !== wanted) return `sent "${seen.line}" to the upstream instead of "${wanted}"`
  if (seen.bodyBytes !== bodyBytes) return `sent a body of ${seen.bodyBytes} bytes to the upstream instead of ${bodyBytes}`
  const sent = [...seen.head.matchAll(/^authorization: *(.*)\r$/gim)].map(([, value]) => value)
  if (sent.length !== 1 || sent[0] !== authorization) return `sent ${sent.length} fields Authorization, or the wrong one`
  return undefined
}

interface Answer {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly body: Buffer
}

async function answerOf({ base, ca, fields }: RunningContender, { method, path, bodyBytes }: Exchange): Promise<Answer> {
  const send = base.startsWith('https:') ? tlsRequest : request
  const body = Buffer.alloc(bodyBytes, 'x')
  const marked = { ...fields, 'x-probe': probeMark }
  const headers =
    bodyBytes === 0 ? marked : { ...marked, 'content-type': 'application/octet-stream', 'content-length': bodyBytes }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { method, headers, agent: false, timeout: patienceMs, ...(ca !== undefined && { ca: readFileSync(ca) }) }
    const sent = send(base + path, options, resolve)
    sent
      .on('error', reject)
      .on('timeout', () => sent.destroy(new Error('no answer')))
      .end(body)
  })
  const parts: Buffer[] = []
  for await (const part of answer) parts.push(part as Buffer)
  return { status: answer.statusCode, type: answer.headers['content-type'], body: Buffer.concat(parts) }
}
