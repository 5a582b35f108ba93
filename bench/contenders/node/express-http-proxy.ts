import express from 'express'
import httpProxy from 'http-proxy'
import { keepAliveAgent } from './keep-alive-agent.ts'
import { backlog, readSetting } from './setting.ts'

const { port, upstream, trusted, authorization } = readSetting()
const proxy = httpProxy.createProxyServer({
  target: upstream,
  agent: keepAliveAgent(upstream, trusted),
  changeOrigin: true,
  headers: { authorization },
})
proxy.on('error', (_error, _request, response) => response.writeHead(502).end())
const app = express()
app.disable('x-powered-by')
app.use((request, response) => proxy.web(request, response))
app.listen({ port, host: '127.0.0.1', backlog })
