import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Credential } from '../../../src/config/config.ts'
import { Secret } from '../../../src/config/secret.ts'
import { Template } from '../../../src/config/template.ts'
import { storeKeysOf } from '../../../src/tokens/store/store-keys.ts'
import { credentialOf } from '../../support/tokens-credential.ts'

/** What shapes a token request, as plain values that can be compared. */
interface Shape {
  readonly name: string
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly nextSecret: string | undefined
  readonly scope: string | readonly string[] | undefined
  readonly audience: string | undefined
  readonly resource: string | undefined
  readonly variables: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly identity: readonly string[]
}

/** Texts that would collide if values were joined, quoted badly or told apart by their looks. */
const tricky = fc.constantFrom(
  ...['', ' ', 'a', 'b', 'a b', 'ab', 'a,b', '"', '","', 'a","b', '{"a":"b"}', '["a","b"]', '\u0000', 'a\u0000b', ':'].concat([
    '\\',
    '\\"',
    'undefined',
    'null',
    's"a"',
    't["a"]',
    '[secret]',
    'scope',
    'audience',
    '__proto__',
    'ä',
    'a\u0308',
  ]),
)
const value = fc.oneof(tricky, fc.string({ maxLength: 4 }))
const record = fc.array(fc.tuple(value, value), { maxLength: 3 }).map((entries) => Object.fromEntries(entries))
const optional = fc.option(value, { nil: undefined })
const fields = {
  name: value,
  endpoint: value,
  clientId: value,
  clientSecret: optional,
  nextSecret: optional,
  scope: fc.oneof(optional, fc.array(value, { maxLength: 3 })),
  audience: optional,
  resource: optional,
  variables: record,
  params: record,
  headers: record,
  identity: fc.array(value, { maxLength: 3 }),
}
const anyShape: fc.Arbitrary<Shape> = fc.record(fields, { noNullPrototype: true })
/** Two that are the same but for one field, which may be the same as well. */
const nearlySame: fc.Arbitrary<[Shape, Shape]> = fc
  .tuple(anyShape, anyShape, fc.constantFrom(...Object.keys(fields)))
  .map(([shape, other, field]) => [shape, { ...shape, [field]: other[field as keyof Shape] }])
/** Two that hold the same values in different places. */
const places = ['name', 'clientId', 'clientSecret', 'nextSecret', 'scope', 'resource'] as const
const moved: fc.Arbitrary<[Shape, Shape]> = fc
  .tuple(anyShape, value, fc.constantFrom(...places), fc.constantFrom(...places))
  .map(([shape, text, from, to]) => [
    { ...shape, [from]: text },
    { ...shape, [to]: text },
  ])

describe('the names of what a store keeps', () => {
  it('are the same for the same token, and differ in whatever it differs', () => {
    fc.assert(
      fc.property(fc.oneof(nearlySame, moved, fc.tuple(anyShape, anyShape)), ([one, other]) => {
        expect(keysOf(one).token === keysOf(other).token).toBe(isDeepStrictEqual(one, other))
      }),
      { numRuns: 1_500 },
    )
  })

  it('of grants differ too, but for the secrets of the client', () => {
    fc.assert(
      fc.property(nearlySame, ([one, other]) => {
        const withoutSecrets = (shape: Shape) => ({ ...shape, clientSecret: undefined, nextSecret: undefined })
        const isSame = isDeepStrictEqual(withoutSecrets(one), withoutSecrets(other))
        expect(keysOf(one).grant === keysOf(other).grant).toBe(isSame)
      }),
      { numRuns: 700 },
    )
  })

  it('of budgets are those of a client at its token endpoint, whatever it asks for', () => {
    fc.assert(
      fc.property(nearlySame, ([one, other]) => {
        const client = ({ name, endpoint, clientId }: Shape) => ({ name, endpoint, clientId })
        expect(keysOf(one).budget === keysOf(other).budget).toBe(isDeepStrictEqual(client(one), client(other)))
      }),
      { numRuns: 700 },
    )
  })

  it('do not depend on the order in which something was written', () => {
    const [one, other] = [{ a: 'x', b: 'y' }, Object.fromEntries([['b', 'y'] as const, ['a', 'x'] as const])]
    expect(keysOf({ ...plain, params: one })).toEqual(keysOf({ ...plain, params: other }))
  })

  it('say nothing: they are digests', () => {
    for (const name of Object.values(keysOf({ ...plain, clientSecret: 'canary-secret' }))) expect(name).toMatch(/^[0-9a-f]{64}$/)
  })

  it('keep apart scopes that are written differently, although the same request may come of it', () => {
    const names = ['a b', ['a b'], ['a', 'b']].map((scope) => keysOf({ ...plain, scope }).token)
    expect(new Set(names).size).toBe(3)
  })

  it('keep a template apart from the text that it looks like', () => {
    const literal = credentialWith(plain, { x: new Template('{{client_id}}') })
    const placeholder = credentialWith(plain, { x: new Template('{client_id}') })
    expect(storeKeysOf(literal).token).not.toBe(storeKeysOf(placeholder).token)
  })

  it('keep a null, which removes a parameter, apart from every text', () => {
    const names = [null, 'null', '', 'undefined'].map((scope) => {
      const credential = credentialOf({ token_request: { params: { scope } } })
      return storeKeysOf(credential).token
    })
    expect(new Set(names).size).toBe(4)
  })

  it('change with a secret in a file, from one moment to the next', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bearerd-store-keys-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'secret')
    await writeFile(file, 'canary-before')
    const credential = { ...basis, client_secret: Secret.fromFile(file) }
    const before = storeKeysOf(credential)
    await writeFile(file, 'canary-after')
    const after = storeKeysOf(credential)
    expect(after.token).not.toBe(before.token)
    expect(after.grant).toBe(before.grant)
  })
})

const plain: Shape = {
  name: 'main',
  endpoint: 'https://idp.example/token',
  clientId: 'client',
  clientSecret: 'secret',
  nextSecret: undefined,
  scope: undefined,
  audience: undefined,
  resource: undefined,
  variables: {},
  params: {},
  headers: {},
  identity: [],
}

const basis = credentialOf()

function keysOf(shape: Shape) {
  return storeKeysOf(credentialWith(shape, mapValues(shape.params, literal)), shape.identity)
}

function credentialWith(shape: Shape, params: Credential['token_request']['params']): Credential {
  return {
    ...basis,
    name: shape.name,
    token_endpoint: shape.endpoint,
    client_id: Secret.of(shape.clientId),
    client_secret: shape.clientSecret === undefined ? undefined : Secret.of(shape.clientSecret),
    client_secret_next: shape.nextSecret === undefined ? undefined : Secret.of(shape.nextSecret),
    scope: typeof shape.scope === 'object' ? [...shape.scope] : shape.scope,
    audience: shape.audience,
    resource: shape.resource,
    variables: mapValues(shape.variables, (text) => Secret.of(text)),
    token_request: { ...basis.token_request, params, headers: mapValues(shape.headers, literal) },
  }
}

function literal(text: string): Template {
  return new Template(text.replaceAll(/[{}]/g, '$&$&'))
}

function mapValues<Value>(record: Readonly<Record<string, string>>, map: (text: string) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).map(([name, text]) => [name, map(text)]))
}
