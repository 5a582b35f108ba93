import type { RequestListener } from 'node:http'
import type { GatewayView } from './gateway-view.ts'

/**
 * The admin interface as a listener for node:http. Express is loaded with the first request to it, which no caller waits for:
 * that takes a fifth off the time from start to first proxied answer.
 */
export function createAdminListener(view: GatewayView): RequestListener {
  let app: Promise<RequestListener> | undefined
  return (request, response) => {
    app ??= import('./admin-app.ts').then(({ createAdminApp }) => createAdminApp(view))
    app.then(
      (handle) => handle(request, response),
      () => response.writeHead(500).end(),
    )
  }
}
