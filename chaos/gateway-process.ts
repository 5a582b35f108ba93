import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { clientSecret, secretMark } from './token-endpoint.ts'

const root = join(import.meta.dirname, '..')

/** A `bearerd serve` of its own. */
export interface GatewayProcess {
  readonly port: number
  readonly adminUrl: string
  readonly file: string
  /** What an operator would have to look at: errors inside the gateway, and lines that hold a secret. */
  readonly suspicious: readonly string[]
  lines(): number
  isRunning(): boolean
  /** Descriptors open now. */
  descriptors(): number
  /** Resident memory now, in MiB. */
  memoryMiB(): number
  /** What the admin interface shows: metrics and status. */
  shown(): Promise<string>
  signal(name: NodeJS.Signals): void
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  /** Ends it as an operator would. @returns how it ended */
  stop(): Promise<number | string>
}

/** Starts a gateway and waits until it serves. @throws Error with what it said when it does not */
export async function startGatewayProcess(config: Readonly<Record<string, unknown>>): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-chaos-'))
  const file = join(folder, 'proxy.config.yaml')
  writeFileSync(
    file,
    stringify({ listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, shutdown: { grace: '5s' }, ...config }),
  )
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [join(root, 'bin/bearerd.js'), 'serve', '-c', file], {
    cwd: root,
    env: { PATH, HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const suspicious: string[] = []
  let lines = 0
  let isRunning = true
  let said = ''
  const serving = Promise.withResolvers<{ readonly listen: string; readonly admin: string }>()
  const onLine = (line: string): void => {
    lines++
    if (line.includes(secretMark) || line.includes('unexpected error') || !line.startsWith('{'))
      suspicious.push(line.slice(0, 500))
    if (line.includes('"bearerd is serving"')) serving.resolve(JSON.parse(line) as { listen: string; admin: string })
  }
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 10_000) said += text
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) onLine(part)
    })
  }
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      isRunning = false
      rmSync(folder, { recursive: true, force: true })
      serving.reject(new Error(`the gateway did not start:\n${said}`))
      resolve(code ?? signal ?? 'unknown')
    })
  })
  const { listen, admin: adminUrl } = await serving.promise
  const proc = `/proc/${child.pid}`
  return {
    port: Number(new URL(listen).port),
    adminUrl,
    file,
    suspicious,
    lines: () => lines,
    isRunning: () => isRunning,
    descriptors: () => readdirSync(`${proc}/fd`).length,
    memoryMiB: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${proc}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    shown: async () => {
      const pages = ['/metrics', '/status', '/'].map(async (path) => await (await fetch(adminUrl + path)).text())
      return (await Promise.all(pages)).join('\n')
    },
    signal: (name) => void child.kill(name),
    ended,
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      const how = await ended
      clearTimeout(timer)
      return how
    },
  }
}

/** A configuration with one credential and these routes; each gets the credential. */
export function configOf(
  tokenUrl: string,
  routes: readonly Readonly<Record<string, unknown>>[],
  top: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    credentials: { main: { token_endpoint: tokenUrl, client_id: 'client', client_secret: clientSecret } },
    routes: routes.map((route) => ({ credential: 'main', ...route })),
    ...top,
  }
}
