import { packagedProgram } from './packaged-program.ts'

/** Caddy, the proxy in Go that people take for such things. */
export const caddy = packagedProgram({
  command: 'caddy',
  versionArgs: ['version'],
  about: 'fixed header, connections to the upstream kept, access log to a file',
  args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  config: ({ upstream: { origin, ca }, authorization, folder }, port) => `
{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  log {
    output file ${folder}/caddy-access.log {
      roll_disabled
    }
  }
  reverse_proxy ${origin} {
    header_up Authorization "${authorization}"
    transport http {
      keepalive_idle_conns_per_host 1024
      ${ca === undefined ? '' : `tls_trusted_ca_certs ${ca}`}
    }
  }
}
`,
})
