import { describe, expect, it } from 'vitest'
import { configOf, placesOf, problemsOf, withTop } from '../support/cli-problems.ts'

describe('listen', () => {
  it('is an address, or a unix socket with permissions', () => {
    expect(configOf(withTop('listen: 127.0.0.1:1')).listen).toEqual({ host: '127.0.0.1', port: 1, isLoopback: true })
    expect(configOf(withTop('listen: {address: "[::1]:1"}')).listen).toEqual({ host: '::1', port: 1, isLoopback: true })
    expect(configOf(withTop('listen: unix:/run/b.sock')).listen).toEqual({ path: '/run/b.sock', mode: 0o660, isLoopback: true })
    expect(configOf(withTop('listen: {address: unix:/run/b.sock, mode: "0600"}')).listen).toMatchObject({ mode: 0o600 })
    expect(configOf(withTop('listen: {address: unix:/run/b.sock, mode: "666"}')).listen).toMatchObject({ mode: 0o666 })
  })

  it.each([
    ['a relative path', 'unix:b.sock', 'not the path of a socket'],
    ['an abstract socket', '"unix:@b"', 'not the path of a socket'],
    ['a folder', 'unix:/run/', 'not the path of a socket'],
    ['a long path', `unix:/${'x'.repeat(107)}`, 'of up to 107 bytes'],
    ['a mode without a file', '{address: 127.0.0.1:1, mode: "0600"}', 'mode has no effect'],
    ['a mode that YAML would change', '{address: unix:/b, mode: 0660}', 'quote them'],
    ['a mode in decimal digits', '{address: unix:/b, mode: 660}', 'as octal digits, in quotes'],
    ['a mode that is none', '{address: unix:/b, mode: "0999"}', 'not permissions'],
    ['a mode with special bits', '{address: unix:/b, mode: "4755"}', 'not permissions'],
    ['no address', '{mode: "0600"}', 'listen.address: this key is required'],
    ['a port', '8080', 'expected an address or {address, mode}'],
    ['a name', 'gateway', 'not an address; write it as 127.0.0.1:8080'],
  ])('is refused as %s', (_, listen, message) => {
    expect(problemsOf(withTop(`listen: ${listen}`))).toEqual([expect.stringContaining(message)])
  })

  it('on a unix socket has no use for what concerns networks', () => {
    expect(placesOf(withTop('listen: unix:/b', 'callers: [{name: a, cidr: 10.0.0.0/8}]'))).toEqual(['11:27 callers[0].cidr'])
    expect(placesOf(withTop('admin: {listen: unix:/b, callers: [{name: a, cidr: 10.0.0.0/8}]}'))).toEqual([
      '10:52 admin.callers[0].cidr',
    ])
    expect(placesOf(withTop('listen: unix:/b', 'admin: {listen: unix:/b}'))).toEqual(['11:17 admin.listen'])
    expect(problemsOf(withTop('listen: unix:/b', 'admin: {listen: unix:/c}'))).toEqual([])
  })
})
