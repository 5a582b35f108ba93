/** A line of the log, as far as the demo shows it. */
interface LogLine {
  readonly level: string
  readonly message: string
  readonly method?: string
  readonly path?: string
  readonly status?: number
  readonly duration_ms?: number
  readonly token?: string
  readonly replay?: string
  readonly error?: string
  readonly credential?: string
  readonly lifetime_s?: number
}

/** Makes the log readable on a terminal: a destination for log lines that writes them as sentences. */
export function humanLines(write: (line: string) => void): { write(line: string): void } {
  return {
    write: (text) => {
      const line = JSON.parse(text) as LogLine
      write(line.message === 'request' ? requestLine(line) : eventLine(line))
    },
  }
}

function requestLine({ method, path, status, duration_ms, token, replay, error }: LogLine): string {
  const notes = [
    token === 'wait' ? 'waited for a token' : '',
    replay === undefined ? '' : `replay ${replay}`,
    error ?? '',
  ].filter((note) => note !== '')
  return `${method} ${path} -> ${status} in ${duration_ms} ms${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`
}

function eventLine({ level, message, credential, lifetime_s }: LogLine): string {
  const about = [credential, lifetime_s === undefined ? undefined : `lives ${lifetime_s} s`]
    .filter((part) => part !== undefined)
    .join(', ')
  return `${level === 'info' ? '' : `${level}: `}${message}${about === '' ? '' : ` (${about})`}`
}
