import { describe, expect, it } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { configOf, goodConfig, placesOf, problemsOf, withCredential, withTop } from '../support/cli-problems.ts'

const service = (keys: string): string => withTop(`token_service: {${keys}}`)
const list = 'callers: [{name: a, api_key: k}]'

describe('token_service', () => {
  it('is off, unless it says where it listens', () => {
    expect(configOf(goodConfig).token_service).toBeUndefined()
    expect(configOf(service('listen: 127.0.0.1:1')).token_service).toEqual({
      listen: { host: '127.0.0.1', port: 1, isLoopback: true },
      hosts: [],
      origins: [],
      insecure_http: false,
    })
    expect(problemsOf(service(''))).toEqual([expect.stringContaining('token_service.listen: this key is required')])
  })

  it('makes routes unnecessary, and nothing else does', () => {
    const without = goodConfig.replace(/routes:[^]*/, '')
    expect(configOf(`${without}token_service: {listen: 127.0.0.1:1}\n`).routes).toEqual([])
    expect(configOf(`${without}routes: []\ntoken_service: {listen: 127.0.0.1:1}\n`).routes).toEqual([])
    for (const text of [without, `${without}routes: []\n`])
      expect(problemsOf(text)).toEqual([expect.stringContaining('there are no routes; name at least one path')])
    expect(placesOf(`${without}routes: 5\n`)).toEqual(['6:9 routes'])
    // One problem at a time: what is wrong is there.
    expect(placesOf(`${without}token_service: {listen: 5}\n`)).toEqual(['6:25 token_service.listen'])
    expect(placesOf(`${without}token_servis: {listen: 127.0.0.1:1}\n`)).toEqual(['6:1 token_servis'])
  })

  it.each([
    [
      'no callers on a network',
      'listen: ":1", insecure_http: true',
      'every machine that reaches this address could have the tokens',
    ],
    ['clear text on a network', `listen: 10.0.0.1:1, ${list}`, 'the tokens would cross the network in clear text'],
    ['anyone', 'listen: 127.0.0.1:1, callers: anyone', 'expected a list of callers'],
    ['nobody', 'listen: 127.0.0.1:1, callers: []', 'an empty list allows nobody'],
    ['a caller without proof', 'listen: 127.0.0.1:1, callers: [{name: a}]', 'proves itself in exactly one way'],
    [
      'a caller with routes',
      'listen: 127.0.0.1:1, callers: [{name: a, api_key: k, routes: [/api]}]',
      'there is no key "routes" here',
    ],
    ['no credential', 'listen: 127.0.0.1:1, callers: [{name: a, api_key: k, credentials: []}]', 'an empty list allows nothing'],
    [
      'an unknown credential',
      'listen: 127.0.0.1:1, callers: [{name: a, api_key: k, credentials: [mein]}]',
      'token_service.callers[0].credentials[0]: there is no credential of this name; did you mean "main"?',
    ],
    [
      'two callers of one name',
      'listen: 127.0.0.1:1, callers: [{name: a, api_key: k}, {name: a, api_key: l}]',
      'another caller has this name',
    ],
    [
      'two callers with one key',
      'listen: 127.0.0.1:1, callers: [{name: a, api_key: k}, {name: b, api_key: k}]',
      'has the same key',
    ],
    [
      'a certificate that nobody asks for',
      'listen: 127.0.0.1:1, callers: [{name: a, tls_subject: a}]',
      'write token_service.tls.client_ca',
    ],
    ['permission without need', 'listen: 127.0.0.1:1, insecure_http: true', 'insecure_http: has no effect'],
    ['the address of the gateway', 'listen: 127.0.0.1:8080', 'cannot share an address with the gateway or the admin interface'],
    ['the address of the admin interface', 'listen: 127.0.0.1:9090', 'cannot share an address'],
    [
      'an address on a unix socket',
      'listen: unix:/b, callers: [{name: a, cidr: 10.0.0.0/8}]',
      'nobody on a unix socket has an address',
    ],
  ])('is refused with %s', (_, keys, message) => {
    const problems = problemsOf(service(keys))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it('says both what is missing on a network', () => {
    expect(placesOf(service('listen: ":1"'))).toEqual(['10:25 token_service.listen', '10:25 token_service.listen'])
    expect(problemsOf(service(`listen: ":1", insecure_http: true, ${list}`))).toEqual([])
  })

  it('does not take an address for a proof where a web page could lead a browser to it', () => {
    const byAddress = 'callers: [{name: k, api_key: k}, {name: a, cidr: 10.0.0.0/8}]'
    const text = service(`listen: ":1", insecure_http: true, ${byAddress}`)
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/token_service\.callers\[1\]\.cidr: a web page .*; list under token_service\.hosts/),
    ])
    expect(problemsOf(service(`listen: ":1", insecure_http: true, hosts: [tokens.internal, 10.0.0.7], ${byAddress}`))).toEqual([])
    expect(problemsOf(service(`listen: 127.0.0.1:1, ${byAddress}`))).toEqual([])
  })

  it('gives nobody a token that goes into the query', () => {
    const text = withCredential('inject: {query: access_token, value: "{access_token}"}')
    const named = `${text}token_service: {listen: 127.0.0.1:1, callers: [{name: a, api_key: k, credentials: [main]}]}\n`
    expect(problemsOf(named)).toEqual([expect.stringContaining('its token goes into the query of a request')])
    expect(problemsOf(named.replace(', credentials: [main]', ''))).toEqual([])
  })

  it('is not measured against credentials that have problems of their own', () => {
    const text = service('listen: 127.0.0.1:1, callers: [{name: a, api_key: k, credentials: [main]}]')
    expect(placesOf(text.replace('client_id: client', 'client_id: 5'))).toHaveLength(1)
  })
})

describe.skipIf(!hasOpenssl)('tls of the token service', () => {
  it('is what a network needs, and is checked as that of the gateway', () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const tls = `tls: {cert: ${cert}, key: ${key}}`
    expect(problemsOf(service(`listen: ":1", ${tls}, ${list}`))).toEqual([])
    expect(problemsOf(service(`listen: ":1", ${tls}, ${list}, insecure_http: true`))).toEqual([
      expect.stringContaining('insecure_http: has no effect'),
    ])
    expect(problemsOf(service(`listen: unix:/b, ${tls}`))).toEqual([expect.stringContaining('token_service.tls: has no effect')])
    const wrong = `tls: {cert: ${cert}, key: ${authority.key}}`
    expect(problemsOf(service(`listen: ":1", ${wrong}, ${list}`))).toEqual([
      expect.stringContaining('token_service.tls.key: this is not the private key of tls.cert'),
    ])
  })
})
