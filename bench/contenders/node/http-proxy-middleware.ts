import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { keepAliveAgent } from './keep-alive-agent.ts'
import { backlog, readSetting } from './setting.ts'

const { port, upstream, trusted, authorization } = readSetting()
const app = express()
app.disable('x-powered-by')
app.use(
  createProxyMiddleware({
    target: upstream,
    agent: keepAliveAgent(upstream, trusted),
    changeOrigin: true,
    headers: { authorization },
  }),
)
app.listen({ port, host: '127.0.0.1', backlog })
