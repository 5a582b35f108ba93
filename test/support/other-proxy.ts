import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { projectRoot } from './cli-process.ts'
import { startTestGateway } from './gateway.ts'
import type { TestGateway } from './gateway.ts'
import type { TokenEndpoint } from './token-endpoint.ts'

/** The key by which the proxies of the examples are known. */
export const proxyKey = 'canary-key-of-the-proxy'

/** A file of examples/token-service, as it is delivered. */
export function exampleFile(name: string): string {
  return readFileSync(join(projectRoot, 'examples/token-service', name), 'utf8')
}

/** Puts other addresses into an example. @throws Error when one is not there to be replaced: the example has changed */
export function withAddresses(text: string, addresses: Readonly<Record<string, string>>): string {
  return Object.entries(addresses).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`the example does not hold ${from}`)
    return changed.replaceAll(from, to)
  }, text)
}

/** Starts bearerd with the configuration of the examples, on ports of its own, with tokens of a token endpoint under test. */
export async function startExampleGateway(endpoint: TokenEndpoint): Promise<TestGateway & { readonly servicePort: number }> {
  const config = parse(exampleFile('proxy.config.yaml')) as {
    readonly token_service: object
    readonly credentials: { readonly gett: object }
  }
  const gateway = await startTestGateway(
    {
      ...config,
      token_service: { ...config.token_service, listen: '127.0.0.1:0' },
      credentials: { gett: { ...config.credentials.gett, token_endpoint: endpoint.url } },
    },
    { BEARERD_KEY: proxyKey, GETT_CLIENT_ID: 'client', GETT_CLIENT_SECRET: 'canary-client-secret' },
  )
  return { ...gateway, servicePort: Number(new URL(gateway.tokenServiceUrl ?? '').port) }
}

/** A program to be started. */
export interface ProgramStart {
  readonly command: string
  readonly args: readonly string[]
  /** Where it will listen, on loopback. */
  readonly port: number
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Starts a program and waits until it listens; it ends with the test.
 * @returns what it has said so far
 */
export async function startProgram({ command, args, port, env = {} }: ProgramStart): Promise<() => string> {
  const { PATH = '', HOME = '/' } = process.env
  const child = spawn(command, args, { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  let failure: Error | undefined
  child.on('error', (error) => (failure = error))
  const closed = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
    await closed
    clearTimeout(timer)
  })
  for (let attempt = 0; attempt < 400; attempt++) {
    if (failure !== undefined || child.exitCode !== null) throw new Error(`${command} has ended: ${said}`, { cause: failure })
    if (await listens(port)) return () => said
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`${command} does not listen: ${said}`)
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
