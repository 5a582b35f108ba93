import { describe, test } from 'vitest'
import { asForm, basic, client, playProvider } from '../support/preset-play.ts'
import type { Play } from '../support/preset-play.ts'

const asBearer: Play['carried'] = (token) => ({ headers: { authorization: `Bearer ${token}` } })
const inForm = { headers: { ...asForm, authorization: undefined }, body: { grant_type: 'client_credentials', ...client } }
const base64 = (text: string): string => Buffer.from(text).toString('base64')

const plays: readonly Play[] = [
  {
    provider: 'fedex',
    asked: { line: 'POST /oauth/token', ...inForm },
    granted: (token) => ({ status: 200, body: { access_token: token, token_type: 'bearer', expires_in: 3599, scope: 'CXS' } }),
    lifetimeSeconds: 3599,
    carried: asBearer,
    refused: {
      status: 401,
      body: {
        transactionId: '624deea6-b709-470c-8c39-4b5511281492',
        errors: [{ code: 'NOT.AUTHORIZED.ERROR', message: 'Access token expired. Please modify your request and try again.' }],
      },
    },
  },
  {
    provider: 'ups',
    asked: {
      line: 'POST /security/v1/oauth/token',
      headers: { ...asForm, authorization: basic },
      body: { grant_type: 'client_credentials' },
    },
    granted: (token) => ({
      status: 200,
      body: {
        token_type: 'Bearer',
        issued_at: '1706710921672',
        client_id: 'my-id',
        access_token: token,
        expires_in: '14399',
        status: 'approved',
      },
    }),
    lifetimeSeconds: 14399,
    carried: asBearer,
    refused: { status: 401, body: '' },
  },
  {
    provider: 'usps',
    asked: { line: 'POST /oauth2/v3/token', ...inForm },
    granted: (token) => ({
      status: 200,
      body: { access_token: token, token_type: 'Bearer', issued_at: 1706710921672, expires_in: 28799, status: 'approved' },
    }),
    lifetimeSeconds: 28799,
    carried: asBearer,
    refused: { status: 401, body: '' },
  },
  {
    provider: 'sabre',
    settings: { client_id: 'V1:userid:group:AA', client_secret: '12345' },
    asked: {
      line: 'POST /v2/auth/token',
      headers: { ...asForm, authorization: `Basic ${base64(`${base64('V1:userid:group:AA')}:${base64('12345')}`)}` },
      body: { grant_type: 'client_credentials' },
    },
    granted: (token) => ({ status: 200, body: { access_token: token, token_type: 'bearer', expires_in: 604800 } }),
    lifetimeSeconds: 604800,
    // Tokens of Sabre hold what a Bearer token may hold (RFC 6750 2.1), and asterisks.
    token: (n) => `T1RLAQKvhOegyUujiZpE+uDAjH/e9NEW6tVsp6qxbt9Jatn==**${n}`,
    carried: asBearer,
    refused: { status: 401, body: '' },
  },
  {
    provider: 'amadeus',
    asked: { line: 'POST /v1/security/oauth2/token', ...inForm },
    granted: (token) => ({
      status: 200,
      body: {
        type: 'amadeusOAuth2Token',
        username: 'a@example.com',
        application_name: 'shop',
        client_id: 'my-id',
        token_type: 'Bearer',
        access_token: token,
        expires_in: 1799,
        state: 'approved',
        scope: '',
      },
    }),
    lifetimeSeconds: 1799,
    carried: asBearer,
    refused: {
      status: 401,
      body: { errors: [{ code: 38192, title: 'Access token expired', detail: 'The access token is expired', status: 401 }] },
    },
  },
]

describe('a provider of parcels and travel, as it is documented, from the token request to the replay', () => {
  test.each(plays.map((play) => [play.provider, play] as const))('%s', (_, play) => playProvider(play))
})
