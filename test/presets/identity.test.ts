import { describe, test } from 'vitest'
import { asForm, asJson, basic, client, playProvider } from '../support/preset-play.ts'
import type { Play } from '../support/preset-play.ts'

const asBearer: Play['carried'] = (token) => ({ headers: { authorization: `Bearer ${token}` } })
// As Keystone writes it, with microseconds.
const inAnHour = new Date(Date.now() + 3_600_000).toISOString().replace('Z', '000Z')

const plays: readonly Play[] = [
  {
    provider: 'auth0',
    settings: { audience: 'https://api.example.com' },
    tokenEndpoint: 'https://my-tenant.eu.auth0.com/oauth/token',
    asked: {
      line: 'POST /oauth/token',
      headers: { ...asForm, authorization: undefined },
      body: { grant_type: 'client_credentials', audience: 'https://api.example.com', ...client },
    },
    granted: (token) => ({
      status: 200,
      body: { access_token: token, scope: 'read:orders', expires_in: 86400, token_type: 'Bearer' },
    }),
    lifetimeSeconds: 86400,
    carried: asBearer,
    refused: { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, body: '' },
  },
  {
    provider: 'entra',
    settings: { scope: 'https://graph.microsoft.com/.default' },
    tokenEndpoint: 'https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token',
    asked: {
      line: 'POST /my-tenant/oauth2/v2.0/token',
      headers: { ...asForm, authorization: undefined },
      body: { grant_type: 'client_credentials', scope: 'https://graph.microsoft.com/.default', ...client },
    },
    granted: (token) => ({
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token },
    }),
    lifetimeSeconds: 3599,
    carried: asBearer,
    refused: {
      status: 401,
      body: { error: { code: 'InvalidAuthenticationToken', message: 'Access token has expired or is not yet valid.' } },
    },
  },
  {
    provider: 'cognito',
    settings: { scope: ['orders/read', 'orders/write'] },
    tokenEndpoint: 'https://my-domain.auth.eu-west-1.amazoncognito.com/oauth2/token',
    asked: {
      line: 'POST /oauth2/token',
      headers: { ...asForm, authorization: basic },
      body: { grant_type: 'client_credentials', scope: 'orders/read orders/write' },
    },
    granted: (token) => ({ status: 200, body: { access_token: token, expires_in: 3600, token_type: 'Bearer' } }),
    lifetimeSeconds: 3600,
    carried: asBearer,
    refused: { status: 401, body: { message: 'The incoming token has expired' } },
  },
  {
    provider: 'adobe-ims',
    settings: { scope: ['openid', 'AdobeID', 'firefly_api'] },
    asked: {
      line: 'POST /ims/token/v3',
      headers: { ...asForm, authorization: undefined },
      body: { grant_type: 'client_credentials', scope: 'openid,AdobeID,firefly_api', ...client },
    },
    granted: (token) => ({ status: 200, body: { access_token: token, token_type: 'bearer', expires_in: 86399 } }),
    lifetimeSeconds: 86399,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}`, 'x-api-key': client.client_id } }),
    refused: { status: 401, body: { error_code: '401013', message: 'Oauth token is not valid' } },
  },
  {
    provider: 'keystone',
    tokenEndpoint: 'https://keystone.example/v3/auth/tokens',
    asked: {
      line: 'POST /v3/auth/tokens',
      headers: { ...asJson, authorization: undefined },
      body: {
        auth: {
          identity: {
            methods: ['application_credential'],
            application_credential: { id: client.client_id, secret: client.client_secret },
          },
        },
      },
    },
    token: (n) => `gAAAAABWQ${n}-Fernet_Token==`,
    granted: (token) => ({
      status: 201,
      headers: { 'X-Subject-Token': token },
      body: { token: { methods: ['application_credential'], expires_at: inAnHour, issued_at: '2026-01-01T00:00:00.000000Z' } },
    }),
    lifetimeSeconds: 3600,
    carried: (token) => ({ headers: { 'x-auth-token': token } }),
    refused: {
      status: 401,
      headers: { 'www-authenticate': "Keystone uri='https://keystone.example'" },
      body: { error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' } },
    },
  },
]

describe('an identity provider, as it is documented, from the token request to the replay', () => {
  test.each(plays.map((play) => [play.provider, play] as const))('%s', (_, play) => playProvider(play))
})
