import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Credential } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { scratch } from '../support/cli-scratch.ts'
import { runInit } from '../support/init-run.ts'

const at = 'https://auth.crm.example/oauth2/token'
const post = '-d grant_type=client_credentials -d client_id=i -d client_secret=s'

/** The configuration for a call, and what was said. */
async function made(call: string, values: Readonly<Record<string, string>> = {}): Promise<{ text: string; said: string }> {
  const { stdout, stderr } = await runInit({ values: { stdout: true, 'from-curl': call, ...values } })
  return { text: stdout, said: stderr }
}

/** What its credential says, besides comments. */
async function keysOf(call: string): Promise<unknown> {
  const { credentials } = parse((await made(call)).text) as { credentials: Record<string, unknown> }
  return Object.values(credentials)[0]
}

function credentialIn(text: string, env: Readonly<Record<string, string>>): Credential {
  const [credential] = parseConfig('f.yaml', text, env).credentials.values()
  if (credential === undefined) throw new Error('no credential')
  return credential
}

function jwt(head: object, claims: object): string {
  return [head, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + '.c2lnbmF0dXJl'
}

describe('a call that is refused', () => {
  it.each([
    ['one that does not verify TLS', `curl -k ${post} ${at}`, /curl's -k cannot be followed: TLS is always verified.*--cacert/],
    ['one that does not verify TLS, among others', `curl -sSk ${post} ${at}`, /curl's -k cannot be followed/],
    ['an unknown option', `curl --secret-thing canary ${at}`, /the option --secret-thing of curl is not known here; /],
    ['a slip', `curl --dta a=canary ${at}`, /the option --dta of curl is not known here; did you mean --data\?/],
    ['an unknown option of one letter', `curl -Q canary ${at}`, /the option -Q of curl is not known here/],
    ['an option without its value', `curl ${at} -d`, /-d has no value/],
    ['a switch with a value', `curl --get=canary ${at}`, /--get takes no value/],
    ['a file as a body', `curl -d @canary ${at}`, /sends a file/],
    ['a file as a value', `curl --data-urlencode a@canary ${at}`, /sends a file/],
    ['a file as a part', `curl -F 'a=@canary' ${at}`, /sends a file/],
    ['a file as the content of a part', `curl -F 'a=<canary' ${at}`, /sends a file/],
    ['fields from a file', `curl -H @canary ${at}`, /takes fields from a file/],
    ['options from a file', `curl -K canary ${at}`, /reads options from a file/],
    ['a part with a type', `curl -F 'a=canary;type=text/plain' ${at}`, /has a ';'/],
    ['two bodies', `curl -F a=canary -d b=c ${at}`, /one of them only/],
    ['two addresses', `curl ${at} canary`, /more than one address/],
    ['no address', 'curl -d a=canary', /no address/],
    ['another scheme', 'curl -d a=canary ftp://a.example/canary', /neither http nor https/],
    ['another method', `curl -X DELETE ${at}`, /POST, GET or PUT/],
    ['a GET with a body', `curl -X GET -d a=canary ${at}`, /a GET with a body/],
    ['a HEAD', `curl -I ${at}`, /has no answer/],
    ['a second call', `curl ${at} --next -d canary ${at}`, /more than one call/],
    ['no JSON', `curl -H 'Content-Type: application/json' -d '{canary}' ${at}`, /is no JSON/],
    ['a list of JSON', `curl --json '["canary"]' ${at}`, /no object/],
    ['digits beyond what JSON keeps', `curl --json '{"a":12345678901234567890}' ${at}`, /too many digits/],
    ['XML', `curl -H 'Content-Type: text/xml' -d '<canary/>' ${at}`, /neither a form nor multipart nor JSON/],
    ['a parameter twice', `curl -d resource=canary1 -d resource=canary2 ${at}`, /the parameter resource more than once/],
    ['a field twice', `curl -H 'X-A: canary' -H 'x-a: b' ${at}`, /the field x-a twice/],
    ['a field without a colon', `curl -H 'canary' ${at}`, /a field of the call \(-H\) is none/],
    ['bytes that are no text', `curl -d a=%ff%fecanary ${at}`, /no text in UTF-8/],
    ['another way to prove oneself', `curl --digest -u i:canary ${at}`, /bearerd cannot prove itself that way/],
    ['a passphrase', `curl --cert client.pem:canary ${at}`, /passphrase/],
    ['a key without its certificate', `curl --key canary ${at}`, /without its --cert/],
    [
      'a code',
      `curl -d grant_type=authorization_code -d code=canary ${at}`,
      /code that is good once; give the one with grant_type=refresh_token/,
    ],
    ['a name that no key can have', `curl --json '{"__proto__":"canary"}' ${at}`, /__proto__/],
    ['another program', `wget ${at}`, /has to begin with curl/],
    ['nothing', '', /has to begin with curl/],
  ])('shows nothing of its values: %s', async (_, call, message) => {
    const error: unknown = await made(call).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      name: expect.stringMatching(/^(Usage|Operation)Error$/) as string,
      message: expect.stringMatching(message) as string,
    })
    expect(String(error)).not.toContain('canary')
    expect(String(error)).not.toContain('\n')
  })
})

describe('what is written of a call', () => {
  it('is the recipe, without what goes without saying', async () => {
    expect(
      await keysOf(
        `curl -X POST ${post} -H 'Accept: */*' -H 'Content-Type: application/x-www-form-urlencoded' -d 'scope=a b' ${at}`,
      ),
    ).toEqual({
      token_endpoint: at,
      token_endpoint_auth_method: 'client_secret_post',
      client_id: '${CRM_CLIENT_ID}',
      client_secret: '${CRM_CLIENT_SECRET}',
      scope: 'a b',
    })
  })

  it('never is a value that looks like a key, wherever it stands', async () => {
    const keys = [
      '9f86d081884c7d659a2feaa0c55ad015',
      'c0ffee00-1111-2222-3333-444455556666',
      jwt({ alg: 'none' }, { a: 1 }),
      'Zm9vYmFyMTIzNDU2Nzg5MDEy',
    ]
    for (const key of keys) {
      const call = `curl -H 'X-Thing: ${key}' -d grant_type=client_credentials -d thing=${key} '${at}?thing=${key}' --data-urlencode 'list=a ${key}'`
      const { text, said } = await made(call)
      expect(text + said).not.toContain(key)
      expect(text).toContain('${CRM_THING}')
    }
  })

  it('keeps the identifier of a tenant in an address, but no key', async () => {
    const tenant = '11111111-2222-3333-4444-555555555555'
    const { text } = await made(`curl ${post} https://auth.crm.example/${tenant}/9f86d081884c7d659a2feaa0c55ad015/token`)
    expect(text).toContain(`token_endpoint: https://auth.crm.example/${tenant}/\${CRM_PATH}/token`)
  })

  it('keeps what no line can hold', async () => {
    const odd = 'a\nb\u0007\u007f\u2028\u0085 # c: "d" \u{1f600}'
    const { text } = await made(
      `curl --json ${JSON.stringify(JSON.stringify({ note: odd, list: [odd], group: { 'x\ny: z': odd } })).replaceAll('$', '\\$')} ${at}`,
    )
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u2028]/u)
    const { body } = await buildTokenRequest(credentialIn(text, {}))
    expect(JSON.parse(Buffer.from(body ?? []).toString())).toEqual({ note: odd, list: [odd], group: { 'x\ny: z': odd } })
  })

  it('is no line of its own, whatever is said of the route', async () => {
    const { text } = await made(`curl ${post} ${at}`, { upstream: 'https://a.example/\nx: y' })
    expect(text).toContain('upstream: "https://a.example/\\nx: y"')
    expect(text).toContain('in place of https://a.example/ x: y/...')
    expect(text).not.toMatch(/^x: y/m)
  })

  it('takes JSON for JSON whose Content-Type was forgotten', async () => {
    const { text } = await made(`curl -d '{"client_id":"i","client_secret":"s"}' ${at}`)
    const { headers, body } = await buildTokenRequest(credentialIn(text, { CRM_CLIENT_ID: 'i', CRM_CLIENT_SECRET: 's' }))
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(Buffer.from(body ?? []).toString())).toEqual({ client_id: 'i', client_secret: 's' })
  })

  it('is https where the call has http, and says so; not on this machine', async () => {
    const { text, said } = await made(`curl ${post} http://auth.crm.example/token`)
    expect(text).toContain('token_endpoint: https://auth.crm.example/token')
    expect(said).toContain('clear text')
    expect((await made(`curl ${post} http://127.0.0.1:9000/token`)).text).toContain('token_endpoint: http://127.0.0.1:9000/token')
    expect((await made(`curl ${post} auth.crm.example/token`)).text).toContain('token_endpoint: https://auth.crm.example/token')
  })

  it('goes by the name of the provider, or that of the path', async () => {
    const names = [
      ['https://auth.crm.example/t', '/crm'],
      ['https://login.crm.co.uk/t', '/crm'],
      ['https://api.example.com/t', '/example'],
      ['https://oauth.my-shop.example.com/t', '/example'],
      ['http://127.0.0.1:1/t', '/provider'],
      ['https://${HOST}/t', '/provider'],
      ['https://1crm.example/t', '/1crm'],
    ]
    for (const [url, path] of names) expect((await made(`curl ${post} "${url}"`)).text).toContain(`  - path: ${path} `)
    const { text } = await made(`curl ${post} ${at}`, { path: '/v1/sales' })
    expect(text).toContain('client_id: ${SALES_CLIENT_ID}')
    expect(text).toContain('- path: /v1/sales ')
    expect((await made(`curl ${post} https://1crm.example/t`)).text).toContain('${_1CRM_CLIENT_ID}')
  })

  it('has a variable where the address begins with something that stands for it', async () => {
    const calls = [
      ['"$TOKEN_URL"', '${TOKEN_URL}'],
      ["'{{base_url}}/oauth/token'", '${PROVIDER_BASE_URL}/oauth/token'],
      ['<token endpoint>', '${PROVIDER_TOKEN_ENDPOINT}'],
      ["'https://{yourDomain}/oauth/token'", 'https://${PROVIDER_DOMAIN}/oauth/token'],
      ['https://YOUR_DOMAIN/oauth/token', 'https://${PROVIDER_DOMAIN}/oauth/token'],
      ['<host>/oauth/token', 'https://${PROVIDER_HOST}/oauth/token'],
    ]
    for (const [address, endpoint] of calls)
      expect(await keysOf(`curl ${post} ${address}`)).toMatchObject({ token_endpoint: endpoint })
    const { text, said } = await made(`curl ${post} "$TOKEN_URL"`)
    expect(text).toContain('upstream: ${PROVIDER_UPSTREAM}')
    expect(text + said).not.toContain('guess')
  })

  it('says of a guessed upstream that it is one', async () => {
    const guessed = await made(`curl ${post} ${at}`)
    expect(guessed.text).toMatch(/upstream: https:\/\/auth\.crm\.example +# a guess/)
    expect(guessed.said).toContain('The upstream of crm is a guess (https://auth.crm.example)')
    const said = await made(`curl ${post} ${at}`, { upstream: 'https://api.crm.example/v2' })
    expect(said.text + said.said).not.toContain('guess')
    expect(said.text).toContain('upstream: https://api.crm.example/v2')
  })

  it('has the upstream of the same tenant, where the preset knows it', async () => {
    const { text } = await made(
      'curl -d grant_type=client_credentials -d client_id=i -d client_secret=s https://{shop}.myshopify.com/admin/oauth/access_token',
    )
    expect(text).toContain('token_endpoint: https://${SHOPIFY_SHOP}.myshopify.com/admin/oauth/access_token')
    expect(text).toContain('upstream: https://${SHOPIFY_SHOP}.myshopify.com')
  })

  it('says to give real secrets on standard input, unless they were', async () => {
    const call = `curl ${post} ${at}`
    expect((await made(call)).said).toContain('--from-curl - reads standard input')
    const { stdout, stderr } = await runInit({ values: { stdout: true, 'from-curl': '-' }, input: `${call}\n` })
    expect(stdout).toBe((await made(call)).text)
    expect(stderr).not.toContain('standard input')
  })
})

describe('a client that proves itself by an assertion', () => {
  const type = '--data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

  it('needs its key, for a signature of each token request', async () => {
    const assertion = jwt({ alg: 'ES256', kid: 'key-7' }, { iss: 'i', aud: 'https://auth.crm.example' })
    const { text, said } = await made(
      `curl -d grant_type=client_credentials -d client_id=i ${type} -d client_assertion=${assertion} ${at}`,
    )
    expect(text).not.toContain(assertion)
    expect(text).toContain('# to be filled in')
    expect(said).toContain('private key')
    expect(Object.values((parse(text) as { credentials: object }).credentials)[0]).toMatchObject({
      token_endpoint_auth_method: 'private_key_jwt',
      client_id: '${CRM_CLIENT_ID}',
      token_request: {
        assertion: {
          alg: 'ES256',
          kid: 'key-7',
          key: { file: '/run/secrets/crm-key' },
          claims: { aud: 'https://auth.crm.example' },
        },
      },
    })

    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const filled = text.replace('/run/secrets/crm-key', scratch().write('key', String(pem)))
    const { body } = await buildTokenRequest(credentialIn(filled, { CRM_CLIENT_ID: 'i' }))
    expect([...new URLSearchParams(Buffer.from(body ?? []).toString()).keys()].sort()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'client_id',
      'grant_type',
    ])
  })

  it('or its secret, when that is what signed it', async () => {
    const call = `curl -d grant_type=client_credentials ${type} -d client_assertion=${jwt({ alg: 'HS256' }, {})} ${at}`
    const { text } = await made(call)
    const { body } = await buildTokenRequest(credentialIn(text, { CRM_CLIENT_ID: 'i', CRM_CLIENT_SECRET: 's'.repeat(32) }))
    expect([...new URLSearchParams(Buffer.from(body ?? []).toString()).keys()].sort()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'grant_type',
    ])
  })

  it('is not asked for more where the assertion is the grant', async () => {
    const call = `curl --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer -d assertion=<jwt> -d scope=read ${at}`
    const { text } = await made(call)
    const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const filled = text.replace('/run/secrets/crm-key', scratch().write('key', String(pem)))
    const { body } = await buildTokenRequest(credentialIn(filled, { CRM_CLIENT_ID: 'i' }))
    expect([...new URLSearchParams(Buffer.from(body ?? []).toString()).keys()].sort()).toEqual([
      'assertion',
      'grant_type',
      'scope',
    ])
  })
})

describe('the connection of a call', () => {
  it('goes through its proxy and ends in its time; credentials of the proxy are a variable', async () => {
    const { text } = await made(`curl -x http://proxy.example:3128 -m 20 ${post} ${at}`)
    expect(text).toContain('proxy: http://proxy.example:3128')
    expect(text).toContain('timeout: 20s')
    const secret = await made(`curl -x http://u:canary@proxy.example:3128 ${post} ${at}`)
    expect(secret.text).toContain('proxy: ${CRM_PROXY}')
    expect(secret.text + secret.said).not.toContain('canary')
  })

  it.skipIf(!hasOpenssl)('is made with its certificates, which prove a client without a secret', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('client')
    const call = `curl --cert ${cert} --key ${key} --cacert ${authority.cert} -d grant_type=client_credentials -d client_id=i ${at}`
    const credential = credentialIn((await made(call)).text, { CRM_CLIENT_ID: 'i' })
    expect(credential.token_endpoint_auth_method).toBe('tls_client_auth')
    const { tls, body } = await buildTokenRequest(credential)
    expect(tls).toMatchObject({
      cert: expect.stringContaining('CERTIFICATE') as string,
      key: expect.stringContaining('KEY') as string,
    })
    expect(Buffer.from(body ?? []).toString()).toBe('grant_type=client_credentials&client_id=i')
  })
})
