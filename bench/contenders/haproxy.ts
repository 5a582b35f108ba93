import { packagedProgram } from './packaged-program.ts'

/** HAProxy with one thread. */
export const haproxy = packagedProgram({
  command: 'haproxy',
  versionArgs: ['-v'],
  about: 'one thread, fixed header, connections to the upstream kept, events not held back (http-no-delay), no access log',
  args: (file) => ['-db', '-f', file],
  config: ({ upstream: { origin, ca }, authorization }, port) => {
    const { host, hostname } = new URL(origin)
    const tls = ca === undefined ? '' : `ssl verify required ca-file ${ca} sni str(${hostname}) verifyhost ${hostname}`
    return `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option http-no-delay
frontend callers
  bind 127.0.0.1:${port} backlog 4096
  http-request set-header Authorization "${authorization}"
  default_backend api
backend api
  server api ${host.replace('localhost', '127.0.0.1')} pool-max-conn 1024 ${tls}
`
  },
})
