import type { ServerResponse } from 'node:http'

/** What a person sees in the browser. */
export interface BrowserPage {
  readonly status: number
  readonly title: string
  /** Plain text; never holds a secret. */
  readonly text: string
}

/** Answers a browser with a page that holds and does nothing but its text. */
export function sendPage(response: ServerResponse, { status, title, text }: BrowserPage): void {
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(title)} - bearerd</title>
<h1>${escape(title)}</h1>
<p>${escape(text)}</p>
</html>
`
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'Cache-Control': 'no-store',
    // The address of the page holds the code.
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...(status === 405 && { Allow: 'GET' }),
  })
  response.end(body)
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
