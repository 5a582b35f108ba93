import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'
import { backlog, readSetting } from './setting.ts'

const { port, upstream, trusted, authorization } = readSetting()
const app = fastify({ logger: false })
// Bodies go on as they come; by default fastify would parse some.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, body, done) => done(null, body))
await app.register(replyFrom, {
  base: upstream,
  undici: { connections: 1_024, connect: { rejectUnauthorized: true, ...(trusted !== undefined && { ca: trusted }) } },
})
app.all('/*', (request, reply) =>
  reply.from(request.url, { rewriteRequestHeaders: (_request, headers) => ({ ...headers, authorization }) }),
)
await app.listen({ port, host: '127.0.0.1', backlog })
