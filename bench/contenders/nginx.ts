import { packagedProgram } from './packaged-program.ts'

/** nginx with one worker: what a proxy in C costs. */
export const nginx = packagedProgram({
  command: 'nginx',
  versionArgs: ['-v'],
  about: 'one worker, fixed header, connections to the upstream kept, access log to a file; bodies are streamed as the others do',
  args: (file) => ['-e', 'stderr', '-c', file],
  config: ({ upstream: { origin, ca }, authorization, folder }, port) => {
    const { protocol, host, hostname } = new URL(origin)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log ${folder}/nginx-access.log combined;
  ${temporary.join(' ')}
  client_max_body_size 16m;
  keepalive_requests 1000000000;
  upstream api { server ${host}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass ${protocol}//api;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Host $proxy_host;
      proxy_set_header Connection "";
      proxy_set_header Authorization "${authorization}";
      ${ca === undefined ? '' : `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${ca}; proxy_ssl_name ${hostname}; proxy_ssl_server_name on;`}
    }
    location /v1/events {
      proxy_pass ${protocol}//api;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_set_header Connection "";
      proxy_set_header Authorization "${authorization}";
    }
  }
}
`
  },
})
