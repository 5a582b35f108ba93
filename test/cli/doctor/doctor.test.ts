import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Screen } from '../../../src/cli/command.ts'
import { main } from '../../../src/main.ts'
import { run, runHere, start } from '../../support/cli-process.ts'
import { scratch } from '../../support/cli-scratch.ts'
import { doctorFile, runDoctor } from '../../support/doctor-run.ts'
import { freePort } from '../../support/redis-server.ts'
import { answerJson, httpServer } from '../../support/servers.ts'
import { tokenEndpoint } from '../../support/token-endpoint.ts'

async function twoCredentials(): Promise<string> {
  const [good, bad] = [await tokenEndpoint(), await tokenEndpoint()]
  bad.answer = (response) => answerJson(response, { error: 'invalid_client' }, 401)
  const upstream = await httpServer((_request, response) => response.writeHead(204).end())
  const credential = (token_endpoint: string): object => ({ token_endpoint, client_id: 'client', client_secret: 'canary' })
  return doctorFile({
    credentials: { good: credential(good.url), bad: credential(bad.url) },
    routes: [
      { path: '/bad', upstream: upstream.url, credential: 'bad' },
      { path: '/good', upstream: `${upstream.url}/v1`, credential: 'good' },
      { path: '/open', upstream: `${upstream.url}/v2` },
    ],
  })
}

/** Everything that depends on the time and the machine is taken out. */
function plain(text: string): string {
  return text.replace(/\d+ ms/g, 'N ms').replace(/:\d{2,5}\b/g, ':PORT')
}

/** Runs the command line where somebody looks on. */
async function onTerminal(args: readonly string[], env: Readonly<Record<string, string>> = {}, columns = 80) {
  const written = { stdout: '', progress: '' }
  const screen: Screen = { isOutput: true, write: (text) => void (written.progress += text), columns }
  const code = await main(args, {
    env,
    stdout: (line) => void (written.stdout += `${line}\n`),
    stderr: () => {},
    screen,
  })
  return { code, ...written }
}

describe('doctor', () => {
  it('is check --online by another name, says everything in the order of the file, and fails where something has failed', async () => {
    const file = await twoCredentials()
    const [doctor, check] = [await runHere(['doctor', '-c', file]), await runHere(['check', '--online', '-c', file])]
    expect(doctor).toMatchObject({ code: 1, stderr: '' })
    expect(plain(doctor.stdout)).toBe(
      `${file}: 2 credentials, for which 2 token requests are made
gateway
  ok       files     no secret is read from a file
  ok       listen    127.0.0.1:0 is free
  ok       admin     127.0.0.1:0 is free
  ok       store     tokens are kept in memory
  ok       callers   anyone on this machine
credential good: http://127.0.0.1:PORT/token
  ok       tcp       127.0.0.1:PORT in N ms
  ok       token     200 in N ms, good for 3600 s
  ok       scope     none asked for
  ok       clock     as there
credential bad: http://127.0.0.1:PORT/token
  ok       tcp       127.0.0.1:PORT in N ms
  failed   token     the token endpoint answered 401 invalid_client: client_id or client_secret is wrong; compare both with what the provider shows for this environment, without spaces around them. They were sent in a header: if they are right, try token_endpoint_auth_method: client_secret_post, or token_request.basic_encoding: raw
  ok       clock     as there
route /bad: http://127.0.0.1:PORT
  ok       tcp       127.0.0.1:PORT in N ms
  ok       answer    reached: 204 to HEAD / without a token, in N ms
route /good: http://127.0.0.1:PORT/v1
  ok       tcp       127.0.0.1:PORT in N ms
  ok       answer    reached: 204 to HEAD /v1 without a token, in N ms
route /open: http://127.0.0.1:PORT/v2
  ok       tcp       127.0.0.1:PORT in N ms
  ok       answer    reached: 204 to HEAD /v2 without a token, in N ms
17 ok, 0 warnings, 1 failed
`,
    )
    expect(plain(check.stdout)).toBe(plain(doctor.stdout))
    expect(check.code).toBe(1)
  })

  it('looks only at the credentials that are named, and at their routes', async () => {
    const file = await twoCredentials()
    const only = await runDoctor(file, 'good', 'good')
    expect(new Set(only.rows.map(({ of, names }) => `${of} ${names.join()}`))).toEqual(
      new Set(['gateway ', 'credential good', 'route /good']),
    )
    expect(only.rows.filter(({ of }) => of === 'gateway').map(({ check }) => check)).toEqual(['store'])
    expect(only.code).toBe(0)
    expect(await runHere(['doctor', 'god', '-c', file])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('did you mean "good"?') as string,
    })
  })

  it('prints JSON that says what --json of a check says, and how many checks came to what', async () => {
    const { stdout } = await runHere(['doctor', '-c', await twoCredentials(), '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      counts: { ok: 17, warning: 0, failed: 1, skipped: 0 },
      checks: expect.arrayContaining([
        {
          of: 'credential',
          names: ['bad'],
          check: 'token',
          status: 'failed',
          message: 'the token endpoint answered 401 invalid_client: client_id or client_secret is wrong',
          remedy: expect.stringMatching(/^compare both/) as string,
          facts: { status: 401, error: 'invalid_client' },
        },
      ]) as unknown,
    })
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  })

  it('says what is wrong with a configuration that cannot be used, and tries nothing', async () => {
    const file = scratch().write('bad.yaml', stringify({ lisen: 'x', routes: [{ path: '/a', upstream: 'https://a.example' }] }))
    const text = await runHere(['doctor', '-c', file])
    expect(text).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('did you mean "listen"?') as string })
    const json = await runHere(['check', '--online', '-c', file, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false, problems: [{ path: 'lisen' }] })
  })

  it('finds the addresses in use by the gateway that it is about, and leaves that alone', async () => {
    const upstream = await httpServer((_request, response) => response.end('hello'))
    const [listen, admin] = [await freePort(), await freePort()]
    const file = doctorFile({
      listen: `127.0.0.1:${listen}`,
      admin: { listen: `127.0.0.1:${admin}` },
      routes: [{ path: '/api', upstream: upstream.url }],
    })
    const gateway = start(['serve', '-c', file])
    await expect
      .poll(
        () =>
          fetch(`http://127.0.0.1:${admin}/readyz`).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 10_000 },
      )
      .toBe(200)
    const run = await runDoctor(file)
    expect(run.row('listen')).toMatchObject({
      status: 'ok',
      message: `127.0.0.1:${listen} is in use, and a gateway answers here already`,
    })
    expect(run.row('admin')).toMatchObject({ status: 'ok' })
    expect(await (await fetch(`http://127.0.0.1:${listen}/api`)).text()).toBe('hello')
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
  })

  it('does many things at a time', async () => {
    const waiting = new Set<() => void>()
    const { url } = await httpServer((_request, response) => {
      waiting.add(() => response.end())
      // Nobody is answered before four have asked.
      if (waiting.size === 4) for (const answer of waiting) answer()
    })
    const routes = ['a', 'b', 'c', 'd'].map((name) => ({ path: `/${name}`, upstream: `${url}/${name}` }))
    expect((await runDoctor({ routes })).counts).toMatchObject({ failed: 0 })
  })

  it('ends with one line when it is interrupted, and says nothing more', async () => {
    const hanging = await httpServer(() => {})
    const file = doctorFile({ routes: [{ path: '/api', upstream: hanging.url }] })
    const process = start(['doctor', '-c', file, '--timeout', '2s'])
    // One connection to see whether there is one, and one to ask on.
    await expect.poll(() => hanging.connections(), { timeout: 10_000 }).toBe(2)
    process.signal('SIGINT')
    const { code, stdout, stderr } = await process.finished
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'bearerd: the check has ended: SIGINT\n' })
    expect(stdout).not.toContain('route /api')
  })
})

describe('on a terminal', () => {
  it('it says what is under way, in one line that is gone in the end', async () => {
    const file = await twoCredentials()
    const { progress, stdout } = await onTerminal(['doctor', '-c', file], {}, 60)
    const drawn = progress.split('\r')
    expect(drawn.some((line) => /^\d of 6 done; .*credential good \(tcp\)/.test(line))).toBe(true)
    expect(Math.max(...drawn.map((line) => line.length))).toBe(59)
    expect(progress).toMatch(/^\r/)
    expect(progress).toMatch(/\r {1,59}\r$/)
    for (const character of ['\n', '\u001b']) expect(progress).not.toContain(character)
    expect(stdout).toContain('\u001b[32mok     \u001b[0m  tcp')
    expect(stdout).toContain('\u001b[31mfailed \u001b[0m  token')
  })

  it.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('it shows no colours with %j', async (env) => {
    expect(
      (await onTerminal(['doctor', '-c', doctorFile({ routes: [{ path: '/a', upstream: 'http://127.0.0.1:1' }] })], env)).stdout,
    ).not.toContain('\u001b')
  })

  it('nothing of it gets into a pipe', async () => {
    const file = doctorFile({ routes: [{ path: '/a', upstream: 'http://127.0.0.1:1' }] })
    const { stdout, stderr, code } = await run(['doctor', '-c', file])
    expect({ stderr, code }).toEqual({ stderr: '', code: 1 })
    for (const character of ['\r', '\u001b']) expect(stdout).not.toContain(character)
  })
})
