import { describe, test } from 'vitest'
import { asForm, asJson, basic, client, playProvider } from '../support/preset-play.ts'
import type { Play } from '../support/preset-play.ts'

const asBearer: Play['carried'] = (token) => ({ headers: { authorization: `Bearer ${token}` } })
const inUrl = 'grant_type=client_credentials&client_id=my-id&client_secret=my%3Asecret+%26'
const noBody = { headers: { authorization: undefined, 'content-type': undefined }, body: '' }

const plays: readonly Play[] = [
  {
    provider: 'marketo',
    tokenEndpoint: 'https://123-abc-456.mktorest.com/identity/oauth/token',
    asked: { line: `GET /identity/oauth/token?${inUrl}`, ...noBody },
    token: (n) => `cdf01657-110d-4155-99a7-f986b2ff13a${n}:int`,
    granted: (token) => ({
      status: 200,
      body: { access_token: token, token_type: 'bearer', expires_in: 2345, scope: 'apis@example.com' },
    }),
    lifetimeSeconds: 2345,
    carried: asBearer,
    refused: {
      status: 200,
      body: { requestId: '14200#1667', success: false, errors: [{ code: '602', message: 'Access token expired' }] },
    },
    notRefused: {
      status: 200,
      body: {
        requestId: '14200#1668',
        success: false,
        errors: [{ code: '606', message: "Max rate limit '100' exceeded with in '20' secs" }],
      },
    },
  },
  {
    provider: 'salesforce',
    tokenEndpoint: 'https://my-domain.my.salesforce.com/services/oauth2/token',
    asked: {
      line: 'POST /services/oauth2/token',
      headers: { ...asForm, authorization: undefined },
      body: { grant_type: 'client_credentials', ...client },
    },
    token: (n) => `00DB0000000TfcR!AQQAQFhoK8vTMg_rKA.esrJ2bCs.OOIjJgl.${n}`,
    granted: (token, origin) => ({
      status: 200,
      body: {
        access_token: token,
        instance_url: origin,
        id: 'https://login.salesforce.com/id/00DB0000000TfcRMAS/005B0000005Bk90IAC',
        token_type: 'Bearer',
        issued_at: '1558553873237',
        signature: 'c2lnbmF0dXJl',
        scope: 'api',
      },
    }),
    lifetimeSeconds: 900,
    carried: asBearer,
    refused: { status: 401, body: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }] },
    notRefused: {
      status: 403,
      body: [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
    },
  },
  {
    provider: 'salesforce-marketing-cloud',
    tokenEndpoint: 'https://mc563885gzs27c5t9.auth.marketingcloudapis.com/v2/token',
    asked: {
      line: 'POST /v2/token',
      headers: { ...asJson, authorization: undefined },
      body: { grant_type: 'client_credentials', ...client },
    },
    granted: (token) => ({
      status: 200,
      body: {
        access_token: token,
        token_type: 'Bearer',
        expires_in: 1199,
        scope: 'offline documents_and_images_read',
        soap_instance_url: 'https://mc563885gzs27c5t9.soap.marketingcloudapis.com/',
        rest_instance_url: 'https://mc563885gzs27c5t9.rest.marketingcloudapis.com/',
      },
    }),
    lifetimeSeconds: 1199,
    carried: asBearer,
    refused: { status: 401, body: { message: 'Not Authorized', errorcode: 0, documentation: '' } },
  },
  {
    provider: 'zoom',
    settings: { variables: { account_id: 'my-account' } },
    asked: {
      line: 'POST /oauth/token',
      headers: { ...asForm, authorization: basic },
      body: { grant_type: 'account_credentials', account_id: 'my-account' },
    },
    granted: (token) => ({
      status: 200,
      body: {
        access_token: token,
        token_type: 'bearer',
        expires_in: 3600,
        scope: 'room:read:admin',
        api_url: 'https://api.zoom.us',
      },
    }),
    lifetimeSeconds: 3600,
    carried: asBearer,
    refused: { status: 401, body: { code: 124, message: 'Invalid access token.' } },
  },
  {
    provider: 'wechat',
    asked: { line: 'GET /cgi-bin/token?grant_type=client_credential&appid=my-id&secret=my%3Asecret+%26', ...noBody },
    granted: (token) => ({ status: 200, body: { access_token: token, expires_in: 7200 } }),
    lifetimeSeconds: 7200,
    carried: (token) => ({ query: { access_token: token } }),
    refused: {
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: { errcode: 42001, errmsg: 'access_token expired hint: [abc]' },
    },
    notRefused: { status: 200, body: { errcode: 45009, errmsg: 'reach max api daily quota limit' } },
  },
  {
    provider: 'feishu',
    asked: {
      line: 'POST /open-apis/auth/v3/tenant_access_token/internal',
      headers: { ...asJson, authorization: undefined },
      body: { app_id: client.client_id, app_secret: client.client_secret },
    },
    granted: (token) => ({ status: 200, body: { code: 0, msg: 'ok', tenant_access_token: token, expire: 7200 } }),
    lifetimeSeconds: 7200,
    carried: asBearer,
    refused: {
      status: 400,
      body: { code: 99991663, msg: 'Invalid access token for authorization. Please make a request with token attached.' },
    },
    notRefused: { status: 400, body: { code: 99991672, msg: 'Access denied. One of the following scopes is required.' } },
  },
  {
    provider: 'twitch',
    asked: { line: `POST /oauth2/token?${inUrl}`, ...noBody },
    granted: (token) => ({ status: 200, body: { access_token: token, expires_in: 5011271, token_type: 'bearer' } }),
    lifetimeSeconds: 5011271,
    carried: (token) => ({ headers: { authorization: `Bearer ${token}`, 'client-id': client.client_id } }),
    refused: { status: 401, body: { error: 'Unauthorized', status: 401, message: 'Invalid OAuth token' } },
  },
  {
    provider: 'spotify',
    asked: { line: 'POST /api/token', headers: { ...asForm, authorization: basic }, body: { grant_type: 'client_credentials' } },
    granted: (token) => ({ status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 3600 } }),
    lifetimeSeconds: 3600,
    carried: asBearer,
    refused: {
      status: 401,
      headers: {
        'www-authenticate': 'Bearer realm="spotify", error="invalid_token", error_description="The access token expired"',
      },
      body: { error: { status: 401, message: 'The access token expired' } },
    },
  },
]

describe('a provider of marketing and media, as it is documented, from the token request to the replay', () => {
  test.each(plays.map((play) => [play.provider, play] as const))('%s', (_, play) => playProvider(play))
})
