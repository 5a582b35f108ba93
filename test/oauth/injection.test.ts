import { expect, test } from 'vitest'
import { injectionOf } from '../../src/oauth/injection.ts'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { credentialOf } from '../support/tokens-credential.ts'
import { grantOf } from '../support/tokens-source.ts'

test('a token goes into Authorization as Bearer (RFC 6750 2.1)', () => {
  expect(injectionOf(credentialOf(), grantOf('abc'))).toEqual({ fields: ['Authorization', 'Bearer abc'], query: [] })
})

test('fields and parameters of a list all go, in order, with whatever they name', () => {
  const credential = credentialOf({
    variables: { tenant: 't1' },
    inject: [
      { header: 'X-Token', value: 'a={access_token};i={client_id}' },
      { query: 'access_token', value: '{access_token}' },
      { header: 'X-Tenant', value: '{tenant}-{token.instance}' },
      { query: 'n', value: '{token.number}' },
    ],
  })
  const grant = grantOf('abc&d', undefined, { fields: { instance: 'eu', number: 5 } })
  expect(injectionOf(credential, grant)).toEqual({
    fields: ['X-Token', 'a=abc&d;i=client', 'X-Tenant', 't1-eu'],
    query: [
      ['access_token', 'abc&d'],
      ['n', '5'],
    ],
  })
})

test.each([[{}], [{ instance: null }], [{ instance: {} }], [undefined], ['text'], [{ instance: true }]])(
  'a field that the answer does not have is a failure of the answer: %j',
  (fields) => {
    const credential = credentialOf({ inject: { header: 'X', value: '{access_token}{token.instance}' } })
    const inject = (): unknown => injectionOf(credential, grantOf('canary-token', undefined, { fields }))
    expect(inject).toThrow(TokenRequestError)
    expect(inject).toThrow(
      expect.objectContaining({ kind: 'unavailable', message: expect.not.stringContaining('canary') as string }),
    )
  },
)

test.each(['a\r\nX: y', 'a\nb', 'a\0', 'ü', '\x7f'])('a value that no field may hold never gets that far: %j', (instance) => {
  const credential = credentialOf({
    inject: [
      { header: 'Authorization', value: 'Bearer {access_token}' },
      { header: 'X', value: '{token.instance}' },
    ],
  })
  const inject = (): unknown => injectionOf(credential, grantOf('t', undefined, { fields: { instance } }))
  expect(inject).toThrow(
    expect.objectContaining({ kind: 'unavailable', message: expect.not.stringContaining(instance) as string }),
  )
})

test('what is inherited is not a field of the answer', () => {
  const credential = credentialOf({ inject: { header: 'X', value: '{token.constructor}{access_token}' } })
  expect(() => injectionOf(credential, grantOf('t'))).toThrow(TokenRequestError)
})
