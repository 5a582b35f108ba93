import { bearerd } from './bearerd.ts'
import { caddy } from './caddy.ts'
import type { Contender } from './contender.ts'
import { direct } from './direct.ts'
import { haproxy } from './haproxy.ts'
import { nginx } from './nginx.ts'
import { nodeProgram } from './node-program.ts'

/** In the order of the tables. */
export const contenders: readonly Contender[] = [
  direct,
  nginx,
  haproxy,
  caddy,
  nodeProgram('express-http-proxy', ['express', 'http-proxy'], "the platform's agent keeps connections, fixed header"),
  nodeProgram('http-proxy-middleware', ['express', 'http-proxy-middleware'], 'the same agent, fixed header'),
  nodeProgram('fastify-reply-from', ['fastify', '@fastify/reply-from'], 'with its undici, fixed header'),
  nodeProgram('node-http-undici', ['undici'], 'node:http and undici with nothing between, fixed header'),
  bearerd,
]
