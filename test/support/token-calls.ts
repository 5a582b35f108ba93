/** A call as documentation shows it. */
export interface DocumentedCall {
  readonly name: string
  readonly call: string
  /** What the variables of the configuration have to be, so that it sends the same. */
  readonly env: Readonly<Record<string, string>>
  /** What the shell fills in. */
  readonly shell?: Readonly<Record<string, string>>
  /** The preset that is recognised. */
  readonly provider: string | undefined
}

const id = 'secret-id'
const secret = 'secret-key+/=& %ä"'
/** As it stands in a form, in JSON and in base64 of both halves. */
const inForm = encodeURIComponent(secret)
const inJson = secret.replace('"', '\\"')
const basic = Buffer.from(`${id}:${secret}`).toString('base64')

function ofClient(prefix: string): Record<string, string> {
  return { [`${prefix}_CLIENT_ID`]: id, [`${prefix}_CLIENT_SECRET`]: secret }
}

function preset(
  provider: string,
  call: string,
  more: Readonly<Record<string, string>> = {},
  name = `the preset ${provider}`,
): DocumentedCall {
  return { name, call, env: { ...ofClient(provider.toUpperCase().replaceAll('-', '_')), ...upstreams, ...more }, provider }
}

function other(
  name: string,
  call: string,
  more: Readonly<Record<string, string>> = {},
  shell: Readonly<Record<string, string>> = {},
): DocumentedCall {
  return { name, call, env: { ...ofClient('CRM'), ...more }, shell, provider: undefined }
}

/** Where a preset has none, each user says it. */
const upstreams = Object.fromEntries(
  ['ADOBE_IMS', 'AMAZON_SP_API', 'AUTH0', 'BOOKING', 'COGNITO', 'ENTRA', 'FITBANK', 'KEYSTONE'].map((name) => [
    `${name}_UPSTREAM`,
    'https://api.example',
  ]),
)

const form = (more = ''): string => `-d grant_type=client_credentials -d client_id=${id} -d 'client_secret=${inForm}'${more}`
const json = (more = ''): string => `{"grant_type":"client_credentials","client_id":"${id}","client_secret":"${inJson}"${more}}`

/** A call for each preset, built as its provider's documentation or the clients of others build it. */
const ofPresets: readonly DocumentedCall[] = [
  preset(
    'adobe-ims',
    `curl -X POST 'https://ims-na1.adobelogin.com/ims/token/v3' -H 'Content-Type: application/x-www-form-urlencoded' ${form(" -d 'scope=openid,AdobeID,read_organizations'")}`,
  ),
  preset(
    'amadeus',
    `curl "https://test.api.amadeus.com/v1/security/oauth2/token" -H "Content-Type: application/x-www-form-urlencoded" ${form()}`,
  ),
  preset(
    'amazon-sp-api',
    `curl -X POST -H 'Content-Type: application/x-www-form-urlencoded;charset=UTF-8' ${form(" -d 'scope=sellingpartnerapi::notifications'")} https://api.amazon.com/auth/o2/token`,
  ),
  preset(
    'auth0',
    `curl --request POST --url 'https://acme.eu.auth0.com/oauth/token' --header 'content-type: application/x-www-form-urlencoded' --data grant_type=client_credentials --data client_id=${id} --data 'client_secret=${inForm}' --data audience=https://api.acme.example/`,
  ),
  preset(
    'auth0',
    `curl --request POST \\\n  --url https://acme.eu.auth0.com/oauth/token \\\n  --header 'content-type: application/json' \\\n  --data '${json(',"audience":"https://api.acme.example/"')}'`,
    {},
    'the preset auth0, asked with JSON',
  ),
  preset(
    'booking',
    `curl -X POST https://connectivity-authentication.booking.com/token-based-authentication/exchange -H 'Content-Type: application/json' -d '{"client_id":"${id}","client_secret":"${inJson}"}'`,
  ),
  preset(
    'cognito',
    `curl -X POST https://acme.auth.eu-west-1.amazoncognito.com/oauth2/token -u secret-id:secret-key -d 'grant_type=client_credentials&scope=orders/read'`,
    { COGNITO_CLIENT_SECRET: 'secret-key' },
  ),
  preset(
    'ebay',
    `curl -X POST 'https://api.sandbox.ebay.com/identity/v1/oauth2/token' -H 'Content-Type: application/x-www-form-urlencoded' -H 'Authorization: Basic ${Buffer.from('secret-id:secret-key').toString('base64')}' -d 'grant_type=client_credentials&scope=https%3A%2F%2Fapi.ebay.com%2Foauth%2Fapi_scope'`,
    { EBAY_CLIENT_SECRET: 'secret-key' },
  ),
  preset(
    'entra',
    `curl -X POST -H "Content-Type: application/x-www-form-urlencoded" -d 'client_id=${id}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=${inForm}&grant_type=client_credentials' 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token'`,
  ),
  preset(
    'fedex',
    `curl -X POST "https://apis-sandbox.fedex.com/oauth/token" -H "Content-Type: application/x-www-form-urlencoded" ${form()}`,
  ),
  preset(
    'feishu',
    `curl -i -X POST 'https://open.feishu.cn/open-apis/auth/v3/tenant_access_token/internal' -H 'Content-Type: application/json' -d '{"app_id":"${id}","app_secret":"${inJson}"}'`,
  ),
  preset(
    'fitbank',
    `curl --location 'https://auth.easycredito.com.br/client/auth' --header 'Content-Type: application/json' --data '{"client_id":"${id}","client_secret":"${inJson}","scopes":["api-external","api-caas"]}'`,
  ),
  preset('getbill', `curl -X POST https://getbill.io/token ${form(" -d 'scope=debts:read followups:read'")}`),
  preset(
    'getnet',
    `curl --request POST --url 'https://api-homologacao.getnet.com.br:443/v1/token' --header 'Content-Type: application/json' --header 'client_id: ${id}' --header 'client_secret: secret-key' --header 'channel: secret-channel' --header 'scope: oob' --data '{"branch": "", "login": "", "name": "", "enrollment_number": ""}'`,
    { GETNET_CHANNEL: 'secret-channel', GETNET_CLIENT_SECRET: 'secret-key' },
  ),
  preset(
    'gett',
    `curl -s 'https://business-api.gett.com/oauth/token' \\\n-F 'grant_type=client_credentials' \\\n-F 'client_id=${id}' \\\n-F 'client_secret=${secret}' \\\n-F 'scope=company.reference order'`,
  ),
  preset(
    'gobiz',
    `curl -X POST https://integration-goauth.gojekapi.com/oauth2/token \\\n-u "secret-id:secret-key" \\\n-H "Content-Type: application/x-www-form-urlencoded" \\\n-d "grant_type=client_credentials" \\\n-d "scope=partner:outlet:read"`,
    { GOBIZ_CLIENT_SECRET: 'secret-key' },
  ),
  preset(
    'keystone',
    `curl -i -H "Content-Type: application/json" -d '{"auth":{"identity":{"methods":["application_credential"],"application_credential":{"id":"${id}","secret":"${inJson}"}}}}' https://cloud.example:5000/v3/auth/tokens`,
  ),
  preset(
    'klasha',
    `curl -X POST https://gate.klasha.example/auth/account/v2/login -H 'Content-Type: application/json' -d '{"username":"${id}","password":"${inJson}"}'`,
    { KLASHA_PUBLIC_KEY: 'k' },
  ),
  preset(
    'marketo',
    `curl 'https://123-ABC-456.mktorest.com/identity/oauth/token?grant_type=client_credentials&client_id=${id}&client_secret=${inForm}'`,
  ),
  preset(
    'paypal',
    `curl -v -X POST "https://api-m.sandbox.paypal.com/v1/oauth2/token" -u "secret-id:secret-key" -H "Content-Type: application/x-www-form-urlencoded" -d "grant_type=client_credentials"`,
    { PAYPAL_CLIENT_SECRET: 'secret-key' },
  ),
  preset(
    'sabre',
    `curl -X POST 'https://api.cert.platform.sabre.com/v2/auth/token' -H "Authorization: Basic ${Buffer.from(`${Buffer.from('V1:u:g:d').toString('base64')}:${Buffer.from('pw').toString('base64')}`).toString('base64')}" -d grant_type=client_credentials`,
    { SABRE_CLIENT_ID: 'V1:u:g:d', SABRE_CLIENT_SECRET: 'pw' },
  ),
  preset('salesforce', `curl https://acme.my.salesforce.com/services/oauth2/token ${form()}`),
  preset(
    'salesforce-marketing-cloud',
    `curl -X POST https://acme.auth.marketingcloudapis.com/v2/token -H 'Content-Type: application/json' -d '${json(',"account_id":"12345"')}'`,
  ),
  preset(
    'shopify',
    `curl -X POST "https://acme.myshopify.com/admin/oauth/access_token" -H "Content-Type: application/x-www-form-urlencoded" ${form()}`,
  ),
  preset(
    'spotify',
    `curl -X POST "https://accounts.spotify.com/api/token" -H "Content-Type: application/x-www-form-urlencoded" ${form()}`,
  ),
  preset(
    'twitch',
    `curl -X POST 'https://id.twitch.tv/oauth2/token?client_id=${id}&client_secret=${inForm}&grant_type=client_credentials'`,
  ),
  preset(
    'uber',
    `curl -F 'client_id=${id}' \\\n  -F 'client_secret=${secret}' \\\n  -F "grant_type=client_credentials" \\\n  -F "scope=business.receipts" \\\n  https://auth.uber.com/oauth/v2/token`,
  ),
  preset(
    'ups',
    `curl -X POST https://wwwcie.ups.com/security/v1/oauth/token -u "secret-id:secret-key" -H 'x-merchant-id: ABC123' -d 'grant_type=client_credentials'`,
    { UPS_CLIENT_SECRET: 'secret-key' },
  ),
  preset(
    'usps',
    `curl -X POST 'https://apis.usps.com/oauth2/v3/token' --header 'Content-Type: application/json' --data '${json()}'`,
  ),
  preset(
    'vipps',
    `curl -X POST 'https://apitest.vipps.no/accesstoken/get' -H 'client_id: ${id}' -H 'client_secret: secret-key' -H 'Ocp-Apim-Subscription-Key: secret-subscription' -H 'Merchant-Serial-Number: 123456' -d ''`,
    { VIPPS_SUBSCRIPTION_KEY: 'secret-subscription', VIPPS_CLIENT_SECRET: 'secret-key' },
  ),
  preset('wechat', `curl 'https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential&appid=${id}&secret=${inForm}'`),
  preset(
    'zoom',
    `curl -X POST https://zoom.us/oauth/token -u secret-id:secret-key -d grant_type=account_credentials -d account_id=secret-account`,
    { ZOOM_ACCOUNT_ID: 'secret-account', ZOOM_CLIENT_SECRET: 'secret-key' },
  ),
]

const at = 'https://auth.crm.example/oauth2/token'

/** Calls to providers without a preset. */
const ofOthers: readonly DocumentedCall[] = [
  other('Basic by -u, with whatever a secret may hold', `curl -u '${id}:${secret}' -d grant_type=client_credentials ${at}`),
  other(
    'Basic as a field',
    `curl -H 'authorization: basic ${basic}' -d grant_type=client_credentials ${at}`.replace('basic ', 'Basic '),
  ),
  other('Basic by an address', `curl -d grant_type=client_credentials https://${id}:secret-key@auth.crm.example/token`, {
    CRM_CLIENT_SECRET: 'secret-key',
  }),
  other(
    'Basic from another command',
    `curl -H "Authorization: Basic $(echo -n '${id}:${secret}' | base64 -w 0)" -d grant_type=client_credentials ${at}`,
  ),
  other(
    'Basic by variables of the shell',
    `curl -u "$CLIENT_ID:\${CLIENT_SECRET}" -d grant_type=client_credentials ${at}`,
    { CLIENT_ID: id, CLIENT_SECRET: secret },
    { CLIENT_ID: id, CLIENT_SECRET: secret },
  ),
  other(
    'Basic, and the client in the body too',
    `curl -u ${id}:secret-key -d grant_type=client_credentials -d client_id=${id} ${at}`,
    { CRM_CLIENT_SECRET: 'secret-key' },
  ),
  other('Basic with a key alone', `curl -u secret-alone: -d grant_type=client_credentials ${at}`, {
    CRM_BASIC_TOKEN: Buffer.from('secret-alone:').toString('base64'),
  }),
  other(
    'a form with scope, audience and resource',
    `curl -X POST ${form(" -d scope='read write' --data-urlencode 'audience=https://api.crm.example/?a=b&c' -d resource=urn:crm")} ${at}`,
  ),
  other(
    'a form whose values are encoded by curl',
    `curl --data-urlencode 'client_secret=${secret}' --data-urlencode 'client_id=${id}' --data-urlencode grant_type=client_credentials --data-urlencode 'scope=a b+c' ${at}`,
  ),
  other('a form with further parameters', `curl ${form(' -d tenant=acme -d token_format=opaque -d empty=')} ${at}`),
  other(
    'a form with a Content-Type of its own',
    `curl -H 'Content-Type: application/x-www-form-urlencoded; charset=utf-8' ${form()} ${at}`,
  ),
  other(
    'JSON',
    `curl -H 'Content-Type: application/json' -d '${json(',"scope":"a b","audience":"https://api.crm.example"')}' ${at}`,
  ),
  other('JSON by --json', `curl --json '${json()}' ${at}`),
  other(
    'JSON in pieces',
    `curl --json '{"grant_type":"client_credentials","client_id":' --json '"${id}","client_secret":"secret-key"}' ${at}`,
    { CRM_CLIENT_SECRET: 'secret-key' },
  ),
  other(
    'JSON with a media type of its own',
    `curl -H 'Content-Type: application/vnd.crm.v2+json' -H 'Accept: application/vnd.crm.v2+json' -d '${json()}' ${at}`,
  ),
  other(
    'JSON with groups, lists, numbers, null and braces',
    `curl -H 'Content-Type: application/json' -d '${json(',"a":{"b":[1,true,null,"x{ y }"],"c":1.5},"d":false,"e":"$${","f":"a$b"')}' ${at}`,
  ),
  other(
    'JSON with names of its own',
    `curl -H 'Content-Type: application/json' -d '{"clientId":"${id}","clientSecret":"${inJson}","apiKey":"secret-api"}' ${at}`,
    { CRM_API_KEY: 'secret-api' },
  ),
  other(
    'JSON with a user and a password',
    `curl -H 'Content-Type: application/json' -d '{"auth":{"username":"secret-user","password":"secret-pass"}}' ${at}`,
    { CRM_USERNAME: 'secret-user', CRM_PASSWORD: 'secret-pass' },
  ),
  other(
    'multipart',
    `curl -F grant_type=client_credentials -F 'client_id="${id}"' --form-string 'client_secret=${secret}' -F 'scope= a b ' ${at}`,
  ),
  other('the query, with -G', `curl -G ${form(" --data-urlencode 'scope=a b'")} '${at}?version=2'`),
  other('the query of a POST', `curl -X POST '${at}?grant_type=client_credentials&client_id=${id}&client_secret=${inForm}'`),
  other('the query beside a body', `curl '${at}?version=2&key=secret-query' ${form()}`, { CRM_KEY: 'secret-query' }),
  other(
    'fields and nothing else',
    `curl -X POST ${at} -H 'x-client-id: ${id}' -H 'X-Client-Secret: secret-key' -H 'X-Tenant: acme'`,
    { CRM_CLIENT_SECRET: 'secret-key' },
  ),
  other('an API key as a field', `curl -X POST ${at} -H 'X-Api-Key: secret-api' -H 'Content-Type: application/json' -d '{}'`, {
    CRM_API_KEY: 'secret-api',
  }),
  other('a bearer token', `curl -X POST ${at} -H 'Authorization: Bearer secret-bearer' -d grant_type=client_credentials`, {
    CRM_BEARER_TOKEN: 'secret-bearer',
  }),
  other('a bearer token by its option', `curl --oauth2-bearer secret-bearer -d grant_type=client_credentials ${at}`, {
    CRM_BEARER_TOKEN: 'secret-bearer',
  }),
  other(
    'grant type password',
    `curl ${at} -d 'grant_type=password&username=secret-user&password=secret-pass&client_id=${id}&client_secret=${inForm}'`,
    { CRM_USERNAME: 'secret-user', CRM_PASSWORD: 'secret-pass' },
  ),
  other(
    'grant type refresh_token, a public client',
    `curl ${at} -d grant_type=refresh_token -d refresh_token=secret-refresh -d client_id=${id}`,
    { CRM_REFRESH_TOKEN: 'secret-refresh' },
  ),
  other(
    'token exchange',
    `curl ${at} -u ${id}:secret-key --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token=secret-subject -d subject_token_type=urn:ietf:params:oauth:token-type:jwt`,
    { CRM_SUBJECT_TOKEN: 'secret-subject', CRM_CLIENT_SECRET: 'secret-key' },
  ),
  other('a PUT', `curl -X PUT -H 'Content-Type: application/json' -d '${json()}' ${at}`),
  other(
    'several switches in one word, and a value behind them',
    `curl -sSLXPOST -d'grant_type=client_credentials&client_id=${id}' -dclient_secret=secret-key ${at}`,
    { CRM_CLIENT_SECRET: 'secret-key' },
  ),
  other(
    'every kind of quote',
    `curl ${at} -d grant_type=client_"credentials" -d $'client_id=\\x73ecret-id' -d 'client_secret='"secret"\\-key`,
    { CRM_CLIENT_SECRET: 'secret-key' },
  ),
  other(
    'placeholders of all sorts',
    `curl '${at}' -d 'grant_type=client_credentials' -d 'client_id={client_id}' -d 'client_secret=YOUR_CLIENT_SECRET' -d 'account=<your account>'`,
    { CRM_CLIENT_ID: '{client_id}', CRM_CLIENT_SECRET: 'YOUR_CLIENT_SECRET', CRM_ACCOUNT: '<your account>' },
  ),
  other(
    'placeholders within',
    `curl -d grant_type=client_credentials -d 'client_id=a&client_secret=b&scope=api://<tenant>/.default' 'https://auth.crm.example/{realm}/token'`,
    { CRM_CLIENT_ID: 'a', CRM_CLIENT_SECRET: 'b', CRM_TENANT: '<tenant>', CRM_REALM: '{realm}' },
  ),
  other(
    'a browser, as it copies',
    `curl '${at}' -H 'accept: */*' -H 'accept-language: en' -H 'content-type: application/x-www-form-urlencoded' -b 'session=secret-cookie' -H 'origin: https://crm.example' -H 'referer: https://crm.example/' -H 'sec-fetch-mode: cors' -H 'user-agent: Mozilla' --data-raw 'grant_type=client_credentials&client_id=${id}&client_secret=${inForm}' --compressed`,
  ),
  other('comments and what comes behind', `# gets a token\nTOKEN_URL=${at}\ncurl -s ${form()} ${at} | cat # prints it`),
]

/** Calls that ask for a token, as documentation shows them; what is secret in them begins with `secret-`. */
export const calls: readonly DocumentedCall[] = [...ofPresets, ...ofOthers]
