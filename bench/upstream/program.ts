/**
 * The upstream of every contender, a process of its own: `program.ts [CERTIFICATE KEY]`. It speaks just enough HTTP/1.1 for the requests of
 * the benchmark, on bare sockets, so that little of what is measured is its own doing. A request without the live access token gets 401.
 * It is also the token endpoint, and tells what the last probe looked like.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { exchanges, firstEvent, probeMark, secondEvent, secondEventAfterMs } from './answers.ts'
import { tokenOf, tokenRequestMs } from './tokens.ts'

const answers = new Map(
  Object.values(exchanges).map(({ method, path, contentType, answer }) => [
    `${method} ${path} HTTP/1.1`,
    message('200 OK', contentType, answer),
  ]),
)
const eventsLine = `${exchanges.events.method} ${exchanges.events.path} HTTP/1.1`
const eventsHead =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n'
const unauthorized = message('401 Unauthorized', 'text/plain', 'no live access token\n', 'WWW-Authenticate: Bearer\r\n')
const notFound = message('404 Not Found', 'text/plain', 'no such thing\n')
const endOfHead = Buffer.from('\r\n\r\n')
const carriageReturn = 0x0d
const mark = Buffer.from(probeMark)

let generation = 1
let liveToken = Buffer.from(`Bearer ${tokenOf(generation)}\r\n`)
let tokenRequests = 0
const nothing = { line: '', head: '', bodyBytes: 0 }
let seen = nothing

const [certificate, key] = process.argv.slice(2)
const tlsServer =
  certificate === undefined || key === undefined
    ? undefined
    : createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, serve)
const ports = [await listen(createServer({ noDelay: true }, serve)), tlsServer && (await listen(tlsServer))]
process.stdout.write(`${JSON.stringify(ports)}\n`)
// Whoever started it has gone when this ends.
process.stdin.on('end', () => process.exit()).resume()

function serve(socket: Socket): void {
  let rest: Buffer | undefined
  let bodyLeft = 0
  let line = ''
  socket.setNoDelay()
  socket.on('error', () => socket.destroy())
  socket.on('data', (received: Buffer) => {
    let data = rest === undefined ? received : Buffer.concat([rest, received])
    rest = undefined
    while (data.length > 0) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, data.length)
        bodyLeft -= taken
        data = data.subarray(taken)
        if (bodyLeft === 0) answer(socket, line)
        continue
      }
      const headBytes = data.indexOf(endOfHead) + endOfHead.length
      if (headBytes < endOfHead.length) {
        rest = data
        return
      }
      const head = data.subarray(0, headBytes)
      data = data.subarray(headBytes)
      line = head.toString('latin1', 0, head.indexOf(carriageReturn))
      if (line.startsWith('POST')) bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head.toString('latin1'))?.[1] ?? 0)
      if (!line.includes(' /control/') && !line.includes(' /token ')) {
        if (head.includes(mark)) seen = { line, head: head.toString('latin1'), bodyBytes: bodyLeft }
        if (!head.includes(liveToken)) line = 'unauthorized'
      }
      if (bodyLeft === 0) answer(socket, line)
    }
  })
}

function answer(socket: Socket, line: string): void {
  if (line === eventsLine) answerWithEvents(socket)
  else socket.write(answers.get(line) ?? otherAnswer(socket, line) ?? '')
}

function answerWithEvents(socket: Socket): void {
  socket.write(Buffer.concat([Buffer.from(eventsHead), chunk(firstEvent)]))
  setTimeout(() => socket.write(Buffer.concat([chunk(secondEvent), Buffer.from('0\r\n\r\n')])), secondEventAfterMs)
}

function otherAnswer(socket: Socket, line: string): Buffer | undefined {
  if (line === 'unauthorized') return unauthorized
  if (line.startsWith('POST /token ')) {
    tokenRequests++
    const granted = { access_token: tokenOf(generation), token_type: 'Bearer', expires_in: 86_400 }
    setTimeout(() => socket.write(message('200 OK', 'application/json', JSON.stringify(granted))), tokenRequestMs)
    return undefined
  }
  if (line.startsWith('POST /control/revoke ')) liveToken = Buffer.from(`Bearer ${tokenOf(++generation)}\r\n`)
  else if (!line.startsWith('GET /control/seen ')) return notFound
  const told = message('200 OK', 'application/json', JSON.stringify({ ...seen, tokenRequests }))
  // Nobody may take the request of another one for his own.
  seen = nothing
  return told
}

function message(status: string, type: string, body: Buffer | string, fields = ''): Buffer {
  const bytes = Buffer.from(body)
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n${fields}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes])
}

function chunk(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
  return (server.address() as AddressInfo).port
}
