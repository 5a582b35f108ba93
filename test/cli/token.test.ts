import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { runHere, start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { answerJson, httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/** A configuration with one credential. @returns its path */
function fileWith(tokens: string, keys: object = {}, store: 'file' | 'memory' = 'memory'): string {
  const place = scratch()
  const file = { path: place.path('tokens'), encryption_key: Buffer.alloc(32, 7).toString('base64') }
  const main = { token_endpoint: tokens, client_id: 'client', client_secret: 'canary', ...keys }
  return place.write(
    'c.yaml',
    stringify({
      token_store: store === 'file' ? { file } : store,
      credentials: { main },
      routes: [{ path: '/api', upstream: 'https://api.example.com', credential: 'main' }],
    }),
  )
}

function token(file: string, ...args: readonly string[]) {
  return runHere(['token', 'main', '-c', file, ...args])
}

const fingerprint = createHash('sha256').update('token-1').digest('hex').slice(0, 12)

describe('token', () => {
  it('says what the token is that it got, and not the token', async () => {
    const endpoint = await tokenEndpoint()
    const { code, stdout, stderr } = await token(fileWith(endpoint.url, { scope: ['a', 'b'] }))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      new RegExp(`^main: token ${fingerprint}, type Bearer, scope a b, good until \\d{4}-\\S+Z \\(35\\d\\d s\\), new\\n$`),
    )
    expect(endpoint.requests).toHaveLength(1)
  })

  it('prints nothing but the token on stdout with --show', async () => {
    const { code, stdout, stderr } = await token(fileWith((await tokenEndpoint()).url), '--show')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'token-1\n' })
    expect(stderr).toMatch(new RegExp(`^main: token ${fingerprint}, [^\\n]*\\n$`))
  })

  it('prints JSON with --json, and the token in it only with --show', async () => {
    const file = fileWith((await tokenEndpoint()).url)
    const facts = {
      credential: 'main',
      fingerprint,
      token_type: 'Bearer',
      scope: null,
      expires: expect.stringMatching(/Z$/) as string,
      expires_in_seconds: expect.closeTo(3_599, -2) as number,
      from: 'endpoint',
    }
    expect(JSON.parse((await token(file, '--json')).stdout)).toEqual(facts)
    const shown = JSON.parse((await token(fileWith((await tokenEndpoint()).url), '--json', '--show')).stdout) as unknown
    expect(shown).toEqual({ ...facts, access_token: 'token-1' })
  })

  it('takes the token from a store that others share, and keeps within its budget', async () => {
    const endpoint = await tokenEndpoint()
    const file = fileWith(endpoint.url, {}, 'file')
    expect((await token(file)).stdout).toMatch(/, new\n$/)
    expect(await token(file)).toMatchObject({ code: 0, stdout: expect.stringMatching(/, from the token store\n$/) as string })
    expect(endpoint.requests).toHaveLength(1)

    const broken = await tokenEndpoint()
    broken.answer = (response) => answerJson(response, {}, 503)
    const limited = fileWith(broken.url, { token_requests: { limit: 1, window: '1h' } }, 'file')
    expect(await token(limited)).toMatchObject({ code: 1, stdout: '' })
    const { code, stderr } = await token(limited)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^bearerd: the budget of main for token requests is spent; ask again in \d+ s, or raise token_requests\n$/,
    )
    expect(broken.requests).toHaveLength(1)
  })

  it('says in one line why there is none, and what to do', async () => {
    const endpoint = await tokenEndpoint()
    endpoint.answer = (response) => answerJson(response, { error: 'invalid_client', error_description: 'canary' }, 401)
    const refused = await token(fileWith(endpoint.url))
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^bearerd: no token for the credential main: [^\n]*; check its client_id[^\n]*\n$/)
    expect(refused.stderr).not.toContain('canary')

    const unreachable = await token(fileWith('http://127.0.0.1:1/token?key=canary'))
    expect(unreachable).toMatchObject({ code: 1, stdout: '' })
    expect(unreachable.stderr).toMatch(/; check token_endpoint, http:\/\/127\.0\.0\.1:1\/token, and the way to it\n$/)
    expect(unreachable.stderr).not.toContain('canary')

    const login = { grant_type: 'refresh_token', authorization_endpoint: 'https://auth.example.com/authorize' }
    expect((await token(fileWith(endpoint.url, login, 'file'))).stderr).toContain('run "bearerd login main"')
  })

  it('exits 2 for a credential that there is not', async () => {
    const { code, stdout, stderr } = await runHere(['token', 'mian', '-c', fileWith('https://auth.example.com/token')])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('did you mean "main"?')
  })

  it('asks for nothing where a token is for somebody', async () => {
    const endpoint = await tokenEndpoint()
    const keys = { token_request: { params: { user: '{request.header.X-User}' } } }
    const { code, stderr } = await token(fileWith(endpoint.url, keys))
    expect(code).toBe(1)
    expect(stderr).toContain('a token for each value of x-user')
    expect(endpoint.requests).toHaveLength(0)
  })

  it('shows nothing of an answer that could forge a line', async () => {
    const endpoint = await tokenEndpoint()
    endpoint.answer = (response, next) =>
      answerJson(response, { access_token: next, token_type: 'a\u001b[31m', scope: 'b\nc', expires_in: 60 })
    const { stdout } = await token(fileWith(endpoint.url))
    expect(stdout).toMatch(new RegExp(`^main: token ${fingerprint}, good until [^\\n]*\\n$`))
  })

  it('ends with one line when it is interrupted', async () => {
    const hanging = await httpServer(() => {})
    const process = start(['token', 'main', '-c', fileWith(`${hanging.url}/token`, { token_request: { timeout: '2s' } })])
    await expect.poll(() => hanging.connections(), { timeout: 10_000 }).toBe(1)
    process.signal('SIGINT')
    expect(await process.finished).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: 'bearerd: waiting for the token has ended: SIGINT\n',
    })
  })
})
