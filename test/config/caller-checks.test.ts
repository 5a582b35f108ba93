import { describe, expect, it } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { configOf, placesOf, problemsOf, withTop } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'

const callers = (...entries: readonly string[]): string => withTop('callers:', ...entries.map((entry) => `  - {${entry}}`))

describe('callers', () => {
  it('are anyone, or a list', () => {
    expect(configOf(withTop('callers: anyone')).callers).toBe('anyone')
    expect(configOf(withTop()).callers).toBeUndefined()
    expect(problemsOf(withTop('callers: []'))[0]).toContain('an empty list allows nobody')
    expect(problemsOf(withTop('callers: everyone'))[0]).toContain('expected anyone, or a list of callers')
  })

  it('must be said where other machines can connect', () => {
    const everywhere = (more: string): string => withTop('listen: ":8080"', more)
    const [problem, ...others] = problemsOf(everywhere(''))
    expect(others).toEqual([])
    expect(problem).toContain('every machine that reaches this address could use the tokens; list who may call under "callers"')
    expect(problemsOf(everywhere('callers: anyone'))).toEqual([])
    expect(problemsOf(everywhere('callers: [{name: a, api_key: k}]'))).toEqual([])
    // One problem at a time: a list that is wrong is a list that was said.
    expect(placesOf(everywhere('callers: [{name: a}]'))).toEqual(['11:11 callers[0]'])
  })

  it.each([
    ['no proof', 'name: a', 'a caller proves itself in exactly one way'],
    ['two proofs', 'name: a, api_key: k, cidr: 10.0.0.0/8', 'a caller proves itself in exactly one way'],
    ['an unknown proof', 'name: a, apikey: k', 'did you mean "api_key"?'],
    ['no name', 'api_key: k', 'this key is required'],
    ['a name that a URL cannot carry', 'name: "a:b", api_key: k', 'not a name; use letters'],
    ['an empty key', 'name: a, api_key: ""', 'the secret is empty'],
    ['a key that no field carries', 'name: a, api_key: "k k"', 'a key is visible ASCII'],
    ['a key that is not ASCII', 'name: a, api_key: schlüssel', 'a key is visible ASCII'],
    ['a name for a range', 'name: a, cidr: intranet', 'not a range of addresses'],
    ['too many bits', 'name: a, cidr: 10.0.0.0/33', 'not a range of addresses'],
    ['too many bits for IPv6', 'name: a, cidr: "fd00::/129"', 'not a range of addresses'],
    ['half an address', 'name: a, cidr: 10.0/8', 'not a range of addresses'],
    ['IPv4 written as IPv6', 'name: a, cidr: "::ffff:10.0.0.0/104"', 'write it as IPv4'],
    ['IPv4 written as IPv6 in hex', 'name: a, cidr: "0:0:0:0:0:ffff:a00:1"', 'write it as IPv4'],
    ['no range', 'name: a, cidr: []', 'an empty list allows nobody'],
    ['no audience', 'name: a, jwt: {issuer: i, jwks_uri: https://a.example/k}', 'this key is required'],
    ['keys in clear text', 'name: a, jwt: {issuer: i, audience: b, jwks_uri: http://a.example/k}', 'use https'],
    ['keys in a file', 'name: a, jwt: {issuer: i, audience: b, jwks_uri: /etc/keys.json}', 'expected the URL of a key set'],
    [
      'no signature',
      'name: a, jwt: {issuer: i, audience: b, jwks_uri: https://a.example/k, algorithms: [none]}',
      'not one of the values',
    ],
    [
      'a shared secret',
      'name: a, jwt: {issuer: i, audience: b, jwks_uri: https://a.example/k, algorithms: [HS256]}',
      'did you mean',
    ],
    ['no route', 'name: a, api_key: k, routes: []', 'an empty list allows nothing'],
    ['an unknown route', 'name: a, api_key: k, routes: [/apis]', 'there is no route of this path; did you mean "/api"?'],
  ])('are refused with %s', (_, entry, message) => {
    const problems = problemsOf(callers(entry)).filter(
      (problem) => !problem.includes('a caller proves') || message.includes('proves'),
    )
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it('that could not be told apart are refused', () => {
    expect(placesOf(callers('name: a, api_key: k', 'name: a, cidr: 10.1.2.3', 'name: b, api_key: k'))).toEqual([
      '12:12 callers[1].name',
      '13:24 callers[2].api_key',
    ])
    const admin = withTop('admin: {callers: [{name: a, api_key: k}, {name: a, api_key: k}]}')
    expect(placesOf(admin)).toEqual(['10:49 admin.callers[1].name', '10:61 admin.callers[1].api_key'])
  })

  it('take their key from a variable or a file as well', () => {
    const file = scratch().write('key', 'from-file\n')
    const text = callers(
      'name: a, api_key: {env: KEY}',
      `name: b, api_key: {file: ${file}}`,
      'name: c, cidr: [10.0.0.0/8, "fd00::/8"]',
    )
    const list = configOf(text, { KEY: 'from-env' }).callers
    expect(Array.isArray(list) && list.map(({ api_key }) => api_key?.reveal())).toEqual(['from-env', 'from-file', undefined])
    expect(JSON.stringify(list)).not.toContain('from-')
  })

  it('name routes as they are called everywhere, and of the admin interface none', () => {
    const text = callers('name: a, api_key: k, routes: [b.internal/api]').replace(
      'path: /api',
      'path: /api\n    host: B.internal',
    )
    expect(problemsOf(text)).toEqual([])
    const admin = withTop('admin: {callers: [{name: a, api_key: k, routes: [/api]}]}')
    expect(problemsOf(admin)[0]).toContain('there is no key "routes" here')
  })

  it('are not measured against routes that have problems of their own', () => {
    const text = callers('name: a, api_key: k, routes: [/api]').replace('upstream: https', 'upstream: ftp')
    expect(placesOf(text)).toEqual(['8:15 routes[0].upstream'])
  })
})

describe.skipIf(!hasOpenssl)('tls of a listener', () => {
  const subject = 'callers: [{name: a, tls_subject: a}]'

  it('is read from files or texts, for the gateway and for the admin interface', () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const tls = `{cert: ${cert}, key: {file: ${key}}, client_ca: ${authority.cert}}`
    expect(problemsOf(withTop(`tls: ${tls}`, subject, `admin: {tls: ${tls}, ${subject}}`))).toEqual([])
  })

  it('needs a certificate and its key, which can be read and belong together', () => {
    const authority = certificateAuthority()
    const [one, two] = [authority.issue('one'), authority.issue('two')]
    const problemOf = (tls: string): string[] => problemsOf(withTop(`tls: ${tls}`))
    expect(problemOf(`{cert: ${one.cert}}`)).toEqual([expect.stringContaining('tls.key: this key is required')])
    expect(problemOf(`{cert: /nowhere, key: ${one.key}}`)).toEqual([expect.stringContaining('tls.cert: the file /nowhere')])
    expect(problemOf(`{cert: ${one.key}, key: ${one.key}}`)).toEqual([
      expect.stringContaining('tls.cert: this holds no certificate'),
    ])
    expect(problemOf(`{cert: ${one.cert}, key: ${one.cert}}`)).toEqual([
      expect.stringContaining('tls.key: this holds no private key'),
    ])
    expect(problemOf(`{cert: ${one.cert}, key: ${two.key}}`)).toEqual([
      expect.stringContaining('tls.key: this is not the private key'),
    ])
    expect(placesOf(withTop(`admin: {tls: {cert: ${one.cert}, key: ${two.key}}}`))).toEqual([
      expect.stringMatching(/^10:\d+ admin\.tls\.key$/),
    ])
  })

  it('asks for client certificates where somebody is known by one, and only there', () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    expect(problemsOf(withTop(subject))[0]).toContain('no client certificate is asked for; write tls.client_ca')
    expect(problemsOf(withTop(`tls: {cert: ${cert}, key: ${key}}`, subject))).toHaveLength(1)
    expect(problemsOf(withTop(`admin: {${subject}}`))[0]).toContain('write admin.tls.client_ca')
    const unused = withTop(`tls: {cert: ${cert}, key: ${key}, client_ca: ${authority.cert}}`, 'callers: [{name: a, api_key: k}]')
    expect(problemsOf(unused)).toEqual([expect.stringContaining('tls.client_ca: has no effect: no caller has a tls_subject')])
    const nonsense = withTop(`tls: {cert: ${cert}, key: ${key}, client_ca: ${key}}`, subject)
    expect(problemsOf(nonsense)).toEqual([expect.stringContaining('tls.client_ca: this holds no certificate')])
  })
})
