import type { ServerResponse } from 'node:http'

/** A complete answer of the simulator, before any fault plays with it. */
export interface Answer {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** An answer with a JSON body; members that are undefined are left out. */
export function jsonAnswer(status: number, body: unknown, fields: Record<string, string> = {}): Answer {
  return { status, fields: { 'Content-Type': 'application/json; charset=utf-8', ...fields }, body: JSON.stringify(body) }
}

/** The same answer with more fields. */
export function withFields(answer: Answer, fields: Readonly<Record<string, string>>): Answer {
  return { ...answer, fields: { ...answer.fields, ...fields } }
}

/** Sends a whole answer. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, headOf(answer))
  response.end(answer.body)
}

/** Sends the head, which promises the whole body, then half of the body, then destroys the connection. */
export function sendHalfAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, headOf(answer))
  const half = Buffer.from(answer.body).subarray(0, Math.ceil(Buffer.byteLength(answer.body) / 2))
  // Only once it has left, or the caller would see a plain reset without a head.
  response.write(half, () => response.destroy())
}

/** Waits before answering; false when the connection was closed meanwhile and nobody is left to answer. */
export async function staysOpenFor(response: ServerResponse, delayMs: number): Promise<boolean> {
  if (delayMs === 0) return !response.destroyed
  return await new Promise((resolve) => {
    const settle = (isOpen: boolean): void => {
      clearTimeout(timer)
      response.off('close', onClose)
      resolve(isOpen)
    }
    const onClose = (): void => settle(false)
    const timer = setTimeout(() => settle(true), delayMs)
    response.once('close', onClose)
  })
}

function headOf(answer: Answer): Record<string, string | number> {
  return { ...answer.fields, 'Content-Length': Buffer.byteLength(answer.body) }
}
