/** What a key of a credential is for, in a few words. @param path below the credential */
export function keyComment(path: readonly string[], value: unknown): string | undefined {
  const [key = '', inner, further] = path
  const word = typeof value === 'string' ? value : ''
  if (value === null) return 'not sent'
  if (key === 'token_endpoint_auth_method') return methods[word]
  if (key !== 'token_request' || inner === undefined) return path.length > 1 ? undefined : keys[key]
  if (inner === 'encoding') return encodings[word]
  if (inner === 'assertion' && further !== undefined) return assertion[further]
  return further === undefined ? request[inner] : undefined
}

const keys: Readonly<Record<string, string>> = {
  provider: 'a preset: its endpoints and quirks; every key can be set on top of it',
  environment: 'other hosts than those of production',
  token_endpoint: 'where tokens are asked for',
  grant_type: 'on what grounds the provider gives one',
  client_id: 'who the application is to the provider',
  client_secret: 'or {file: /run/secrets/NAME}',
  scope: 'what the token is to be good for',
  audience: 'the API that the token is for',
  resource: 'the API that the token is for',
  variables: 'further values, which may be secret: {NAME} in a template',
  token_request: 'what is not as in most token requests',
}

const methods: Readonly<Record<string, string>> = {
  client_secret_basic: 'id and secret go into Authorization: Basic',
  client_secret_post: 'id and secret are parameters',
  client_secret_jwt: 'a JWT signed with the secret proves the client',
  private_key_jwt: 'a JWT signed with a private key proves the client',
  tls_client_auth: 'the certificate of the connection proves the client',
  none: 'the client proves itself in a way of its own, below, or not at all',
}

const encodings: Readonly<Record<string, string>> = {
  form: 'the parameters are a form',
  multipart: 'the parameters are parts, as with curl -F',
  json: 'the parameters are an object of JSON',
  query: 'the parameters are in the URL',
  none: 'there are no parameters',
}

const request: Readonly<Record<string, string>> = {
  method: 'most endpoints want a POST',
  basic_encoding: 'as curl sends them; RFC 6749 2.3.1 encodes special characters first (form)',
  headers: 'further fields',
  query: 'in the URL, beside the body',
  params: 'further parameters; null takes away one that is sent by default',
  assertion: 'a JWT that is signed for each token request',
  tls: 'paths of PEM files',
  proxy: 'on the way to the token endpoint',
  timeout: 'for the whole token request',
}

const assertion: Readonly<Record<string, string>> = {
  alg: 'RS256, PS256, ES256 or EdDSA: as registered at the provider',
  kid: 'which key it is',
  key: 'to be filled in: your private key, in PEM or as a JWK',
  claims: 'what is not as in most assertions',
}
