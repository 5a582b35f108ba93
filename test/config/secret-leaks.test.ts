import { describe, expect, it } from 'vitest'
import { goodConfig, problemsOf, withCredential, withRoute } from '../support/cli-problems.ts'

const canary = 'canary-5up3r-s3cr3t'

function withSecret(yaml: string): string {
  return goodConfig.replace('client_secret: secret', () => `client_secret: ${yaml}`)
}

describe('problems', () => {
  const env = { KEY: canary, EMPTY: '' }

  it.each([
    goodConfig.replace('client_id: client', 'client_id: ${KEY}').replace('https://api', 'http://api'),
    withSecret('{KEY: "${KEY}"}'),
    withSecret('["${KEY}"]'),
    withSecret('{env: "${KEY}"}'),
    withSecret('${KEY} ${NOTHING}'),
    withSecret('"${KEY} ${bad name}"'),
    withCredential('grant_type: password', 'variables: {key: "${KEY}"}'),
    withCredential('token_endpoint_auth_method: "${KEY}"'),
    withCredential('renew_before: "${KEY}"'),
    withCredential('scope: ["${KEY}", 3]'),
    withCredential('token_request: {headers: {X-Key: "${KEY}{x}"}}'),
    withCredential('token_request: {headers: {X-Key: "{${KEY}}"}}'),
    withCredential('token_request: {headers: {X-Key: "{${KEY}"}}'),
    withCredential('token_request: {params: {key: "{${KEY}}"}}'),
    withCredential('inject: {header: X-Key, value: "{${KEY}}"}'),
    withCredential('inject: {header: X-Key, value: "${KEY}"}'),
    withCredential('inject: {header: "${KEY} x", value: "{access_token}"}'),
    withCredential('rejected_when: [{header: {x: "(${KEY}"}}]'),
    goodConfig.replace('https://auth', 'https://user:${KEY}@auth'),
    goodConfig.replace('https://api', 'https://${KEY}@api'),
    goodConfig.replace('/v1', '/v1?key=${KEY}'),
    goodConfig.replace('https://api.example.com/v1', '${KEY}'),
    goodConfig.replace('credential: main', 'credential: ${KEY}'),
    goodConfig.replace('path: /api', 'path: ${KEY}'),
    withCredential('provider: "${KEY}"'),
    withCredential('provider: gobiz', 'environment: "${KEY}"'),
    withRoute('headers: {set: {X-Key: "${KEY}\\u0000"}}'),
    withRoute('headers: {set: {Authorization: "${KEY}"}}'),
    withRoute('methods: ["${KEY}"]'),
    `${goodConfig}listen: \${KEY}\n`,
    `${goodConfig}via: \${KEY} x\n`,
    `${goodConfig}access_log: \${KEY}\n`,
    `${goodConfig}origins: ["\${KEY}"]\n`,
    `${goodConfig}replay_memory: \${KEY}\n`,
  ])('never show the value of a variable: %j', (text) => {
    const problems = problemsOf(text, env)
    expect(problems).not.toEqual([])
    expect(problems.join('\n')).not.toContain(canary)
  })

  it.each([
    '@CANARY',
    '*CANARY',
    '&CANARY',
    '%CANARY',
    '`CANARY',
    '|CANARY',
    '>CANARY',
    '}CANARY',
    ']CANARY',
    '!CANARY x',
    '!x!CANARY',
    '{CANARY',
    '[CANARY',
    '"CANARY',
    "'CANARY",
    '"\\CANARY"',
    '"x" CANARY',
    'CANARY: x',
    '- CANARY',
    '? CANARY',
    ',CANARY',
    '"CANARY": "CANARY"',
  ])('never show a secret that YAML stumbles over: %s', (value) => {
    expect(problemsOf(withSecret(value.replaceAll('CANARY', canary))).join('\n')).not.toContain(canary)
  })
})
