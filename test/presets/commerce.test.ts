import { describe, test } from 'vitest'
import { asForm, asJson, basic, client, jwtToken, playProvider } from '../support/preset-play.ts'
import type { Play } from '../support/preset-play.ts'

const inAMonth = new Date(Date.now() + 30 * 24 * 3_600_000).toISOString()

const plays: readonly Play[] = [
  {
    provider: 'paypal',
    asked: {
      line: 'POST /v1/oauth2/token',
      headers: { ...asForm, authorization: basic },
      body: { grant_type: 'client_credentials' },
    },
    granted: (token) => ({
      status: 200,
      body: {
        scope: 'https://uri.paypal.com/services/invoicing',
        access_token: token,
        token_type: 'Bearer',
        app_id: 'APP-80W284485P519543T',
        expires_in: 31668,
        nonce: '2020-04-03T15:35:36ZaYZlGvEkV4yVSz8g6bAKFoGSEzuy3CQcz3ljhibkOHg',
      },
    }),
    lifetimeSeconds: 31668,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
    refused: { status: 401, body: { error: 'invalid_token', error_description: 'Token signature verification failed' } },
  },
  {
    provider: 'ebay',
    asked: {
      line: 'POST /identity/v1/oauth2/token',
      headers: { ...asForm, authorization: basic },
      body: { grant_type: 'client_credentials', scope: 'https://api.ebay.com/oauth/api_scope' },
    },
    granted: (token) => ({
      status: 200,
      body: { access_token: token, expires_in: 7200, token_type: 'Application Access Token' },
    }),
    lifetimeSeconds: 7200,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
    refused: {
      status: 401,
      body: { errors: [{ errorId: 1001, domain: 'OAuth', category: 'REQUEST', message: 'Invalid access token' }] },
    },
  },
  {
    provider: 'shopify',
    tokenEndpoint: 'https://my-shop.myshopify.com/admin/oauth/access_token',
    asked: {
      line: 'POST /admin/oauth/access_token',
      headers: { ...asForm, authorization: undefined },
      body: { grant_type: 'client_credentials', ...client },
    },
    granted: (token) => ({ status: 200, body: { access_token: token, scope: 'write_products,read_orders', expires_in: 86399 } }),
    lifetimeSeconds: 86399,
    carried: (token) => ({ headers: { 'x-shopify-access-token': token } }),
    refused: { status: 401, body: { errors: '[API] Invalid API key or access token (unrecognized login or wrong password)' } },
  },
  {
    provider: 'vipps',
    settings: { variables: { subscription_key: 'my-key' } },
    asked: {
      line: 'POST /accesstoken/get',
      headers: {
        client_id: client.client_id,
        client_secret: client.client_secret,
        'ocp-apim-subscription-key': 'my-key',
        'content-length': '0',
        authorization: undefined,
      },
      body: '',
    },
    granted: (token) => ({
      status: 200,
      body: {
        token_type: 'Bearer',
        expires_in: '86398',
        ext_expires_in: '86398',
        expires_on: '1574337600',
        not_before: '1574251200',
        resource: '00000002-0000-0000-c000-000000000000',
        access_token: token,
      },
    }),
    lifetimeSeconds: 86398,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}`, 'ocp-apim-subscription-key': 'my-key' } }),
    refused: { status: 401, body: '' },
  },
  {
    provider: 'klasha',
    settings: { variables: { public_key: 'my-public-key' } },
    tokenEndpoint: 'https://klasha.example/auth/account/v2/login',
    asked: {
      line: 'POST /auth/account/v2/login',
      headers: { ...asJson, authorization: undefined },
      body: { username: client.client_id, password: client.client_secret },
    },
    granted: (token) => ({ status: 200, body: { message: 'success', error: null, data: { token } } }),
    lifetimeSeconds: 300,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}`, 'x-auth-token': 'my-public-key' } }),
    refused: { status: 401, body: '' },
  },
  {
    provider: 'fitbank',
    settings: { token_request: { params: { scopes: ['api-external', 'api-caas'] } } },
    asked: {
      line: 'POST /client/auth',
      headers: { ...asJson, authorization: undefined },
      body: { ...client, scopes: ['api-external', 'api-caas'] },
    },
    granted: (token) => ({ status: 200, body: { access_token: token, expire_at: inAMonth } }),
    lifetimeSeconds: 30 * 24 * 3_600,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
    refused: { status: 401, body: '' },
  },
  {
    provider: 'amazon-sp-api',
    settings: { scope: 'sellingpartnerapi::notifications' },
    asked: {
      line: 'POST /auth/o2/token',
      headers: { ...asForm, authorization: undefined },
      body: { grant_type: 'client_credentials', scope: 'sellingpartnerapi::notifications', ...client },
    },
    granted: (token) => ({
      status: 200,
      body: { access_token: token, token_type: 'bearer', expires_in: 3600, scope: 'sellingpartnerapi::notifications' },
    }),
    lifetimeSeconds: 3600,
    carried: (token) => ({ headers: { 'x-amz-access-token': token } }),
    refused: {
      status: 403,
      body: {
        errors: [
          {
            message: 'Access to requested resource is denied.',
            code: 'Unauthorized',
            details: 'The access token you provided has expired.',
          },
        ],
      },
    },
    notRefused: {
      status: 403,
      body: { errors: [{ message: 'Access to requested resource is denied.', code: 'Unauthorized', details: '' }] },
    },
  },
  {
    provider: 'booking',
    asked: { line: 'POST /token-based-authentication/exchange', headers: { ...asJson, authorization: undefined }, body: client },
    token: jwtToken,
    granted: (token) => ({ status: 200, body: { jwt: token, ruid: '980ceb59-2790-7841-b172-57f1c9489653' } }),
    lifetimeSeconds: 3600,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
    refused: { status: 401, body: '' },
  },
]

describe('a provider of shops and payments, as it is documented, from the token request to the replay', () => {
  test.each(plays.map((play) => [play.provider, play] as const))('%s', (_, play) => playProvider(play))
})
