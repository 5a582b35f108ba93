import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { CertificateFiles } from './certificates.ts'
import { describeWithProgram } from './describe-with.ts'
import { eventually } from './proxy-wait.ts'
import { freePort } from './redis-server.ts'

/** Tests that need a real nginx; where there is none they are skipped and say so, but never in CI. */
export const describeWithNginx = describeWithProgram('nginx', '-v')

/**
 * Starts an nginx on loopback that speaks HTTP/2 and passes requests on; it ends with the test.
 * @param to URL of what is behind it
 * @param directives more of its server block
 * @returns its URL
 */
export async function nginxBefore(
  to: string,
  { cert, key }: CertificateFiles,
  directives: readonly string[] = [],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-nginx-'))
  const port = await freePort()
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http {
  access_log off; ${temp.join(' ')}
  server {
    listen 127.0.0.1:${port} ssl http2; server_name localhost;
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    client_max_body_size 0; ${directives.join(' ')}
    location / { proxy_pass ${to}; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; }
  }
}
`,
  )
  const nginx = spawn('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', file], { stdio: 'ignore' })
  onTestFinished(async () => {
    nginx.kill('SIGKILL')
    if (nginx.exitCode === null && nginx.signalCode === null) await new Promise((resolve) => nginx.once('close', resolve))
    rmSync(folder, { recursive: true })
  })
  await eventually('nginx listens', () => listens(port), 10_000)
  return `https://localhost:${port}`
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
