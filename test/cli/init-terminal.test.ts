import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { projectRoot } from '../support/cli-process.ts'
import { describeIf } from '../support/describe-with.ts'
import { initPlace } from '../support/init-run.ts'

/** That of util-linux, which gives a command a terminal of its own. */
const hasScript =
  process.env['CI'] === 'true' || /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')

const describeAtTerminal = describeIf(hasScript, 'there is no script of util-linux')

/** A command line at a real terminal. */
interface AtTerminal {
  /** Waits until the screen shows it, somewhere behind what was waited for before. */
  shows(pattern: RegExp): Promise<void>
  type(keys: string): void
  /** @returns its exit code, and everything that it wrote */
  readonly ended: Promise<{ readonly code: number | null; readonly screen: string }>
}

function atTerminal(args: readonly string[]): AtTerminal {
  const words = [join(projectRoot, 'node_modules/.bin/node'), join(projectRoot, 'bin/bearerd.js'), ...args]
  const { PATH = '', HOME = '' } = process.env
  const child = spawn('script', ['--quiet', '--return', '--command', words.map((word) => `'${word}'`).join(' '), '/dev/null'], {
    env: { PATH, HOME, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  let seen = 0
  let look = (): void => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    look()
  })
  const ended = new Promise<{ code: number | null; screen: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, screen })),
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          const match = pattern.exec(screen.slice(seen))
          if (match === null) return
          seen += match.index + match[0].length
          look = () => {}
          resolve()
        }
        look()
        void ended.then(() => reject(new Error(`ended before it showed ${String(pattern)}:\n${screen}`)))
      }),
    type: (keys) => void child.stdin.write(keys),
    ended,
  }
}

describeAtTerminal('bearerd init at a real terminal', () => {
  it('asks, completes names by the tabulator key, and writes the file', async () => {
    const { config } = initPlace()
    const terminal = atTerminal(['init', '-c', config])
    await terminal.shows(/Which ones\? [^]*: /)
    terminal.type('getn\t')
    await terminal.shows(/getnet/)
    terminal.type(' ube\r')
    await terminal.shows(/Environment of getnet \(production, sandbox\) \[production\]: /)
    terminal.type('san\t\r')
    await terminal.shows(/Environment of uber .*: /)
    terminal.type('\r')
    const { code, screen } = await terminal.ended
    expect(code).toBe(0)
    expect(screen).toContain('export GETNET_CHANNEL=...')
    const text = readFileSync(config, 'utf8')
    expect(text).toMatch(/provider: getnet [^]*environment: sandbox [^]*provider: uber /)
  })

  it.each([
    ['Ctrl-C', '\u0003', 'SIGINT'],
    ['Ctrl-D', '\u0004', 'the terminal is closed'],
  ])('ends at %s with 1, one line, and no file', async (_, key, reason) => {
    const { config } = initPlace()
    const terminal = atTerminal(['init', '-c', config])
    await terminal.shows(/Which ones\? [^]*: /)
    terminal.type(key)
    const { code, screen } = await terminal.ended
    expect(code).toBe(1)
    expect(screen).toMatch(new RegExp(`\\nbearerd: the questions have ended: ${reason}\\r?\\n$`))
    expect(existsSync(config)).toBe(false)
  })

  it('reads a call that is typed or pasted, to Ctrl-D', async () => {
    const terminal = atTerminal(['init', '--stdout', '--from-curl', '-'])
    await terminal.shows(/Paste the call/)
    terminal.type('curl -u a:b \\\n -d grant_type=client_credentials \\\n https://auth.crm.example/token\n\u0004')
    const { code, screen } = await terminal.ended
    expect(code).toBe(0)
    expect(screen).toContain('client_secret: ${CRM_CLIENT_SECRET}')
  })
})
