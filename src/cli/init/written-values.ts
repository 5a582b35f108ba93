/**
 * Decides what of a call's values may be written into a file: what is secret, or stands for something (`<client-id>`, `YOUR_DOMAIN`),
 * becomes a variable of the environment. In doubt it is a secret.
 */
export class WrittenValues {
  readonly #prefix: string
  readonly #values = new Map<string, string>()

  /** @param prefix of the variables, such as `CRM` */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** A variable for a value, as `${CRM_CLIENT_ID}`; that of the shell where it was one already. The same name and value give the same. */
  variable(name: string, value: string): string {
    const [, own] = shellVariable.exec(value) ?? []
    if (own !== undefined) return `\${${own}}`
    const wanted = `${this.#prefix}_${snakeCase(name)
      .replace(/^(x|your|my|the)_/, '')
      .toUpperCase()}`
    let free = wanted
    for (let count = 2; (this.#values.get(free) ?? value) !== value; count++) free = `${wanted}_${count}`
    this.#values.set(free, value)
    return `\${${free}}`
  }

  /** A value for a key that takes a plain text. @param name of the parameter, which says much about what it holds */
  text(name: string, value: string): string {
    return this.#written(name, value, (literal) => literal)
  }

  /** A value for a key that takes a template: braces are doubled. */
  template(name: string, value: string): string {
    return this.#written(name, value, (literal) => literal.replace(/[{}]/g, '$&$&'))
  }

  /** An address, of which the parts that stand for something become variables. The identifier of a tenant in it is no secret. */
  address(value: string): string {
    const parts = value.split(/([/.])/)
    const hostEnd = parts.findIndex((part, index) => part === '/' && index > 3)
    return parts
      .map((part, index) => {
        const name = placeholderName(part)
        if (name !== undefined) return this.variable(name, part)
        const isKey = index > hostEnd && hostEnd >= 0 && looksSecret(part) && !uuid.test(part)
        return isKey ? this.variable('path', part) : this.#filled('path', part, (literal) => literal)
      })
      .join('')
  }

  #written(name: string, value: string, literally: (text: string) => string): string {
    if (value === '') return ''
    const isWhole = isSecretName(name) || looksSecret(value) || uuid.test(value) || placeholderName(value) !== undefined
    return isWhole ? this.variable(name, value) : this.#filled(name, value, literally)
  }

  /** A text of which parts stand for something. */
  #filled(name: string, value: string, literally: (text: string) => string): string {
    const pieces = value.split(embedded)
    // Two dollars in front of a brace would be none of the two.
    if (pieces.some((piece, index) => index % 2 === 0 && index < pieces.length - 1 && piece.endsWith('$')))
      return this.variable(name, value)
    return pieces
      .map((piece, index) => {
        // What the pattern found stands between what it did not.
        if (index % 2 === 1) return this.variable(placeholderName(piece) ?? name, piece)
        return piece.split('${').map(literally).join('$${')
      })
      .join('')
  }
}

const shellVariable = /^(?:\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*))$/

const embedded =
  /(\$\{[A-Za-z_]\w*\}|<[A-Za-z][\w .-]*>|\{\{\s*[A-Za-z][\w.-]*\s*\}\}|\{[A-Za-z][\w-]*\}|\bYOUR[-_][A-Z0-9_-]*[A-Z0-9])/

const placeholders: readonly RegExp[] = [
  /^\$\{([A-Za-z_]\w*)\}$/,
  /^\$([A-Za-z_]\w*)$/,
  /^%([A-Za-z_]\w*)%$/,
  /^<([^<>]+)>$/,
  /^\{\{\s*([^{}"]+?)\s*\}\}$/,
  /^\{([^{}"]+)\}$/,
  /^\[([^[\]"]+)\]$/,
  /^(?:your|insert|enter|replace)[-_ ]+(?:with[-_ ])?([A-Za-z][\w .-]*)$/i,
  /^(?:your|insert|enter|replace)([A-Z]\w*)$/,
  /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:ID|KEY|SECRET|TOKEN|NAME|PASSWORD|URL|DOMAIN|TENANT|SCOPES?|CODE|HERE|VALUE))$/,
  /^(x{3,}|\*{3,}|\.{3}|…)$/i,
]

/** What a placeholder is called, where a value is nothing else; undefined where it is something. */
export function placeholderName(value: string): string | undefined {
  for (const pattern of placeholders) {
    const [, name] = pattern.exec(value) ?? []
    if (name !== undefined) return name
  }
  return undefined
}

/** `clientId`, `Client-Id` and `client id` are `client_id`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])(?=[A-Z])/g, '$1_')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase()
}

const secretWords =
  /^(secret|password|passwd|pwd|pass|passphrase|passcode|pin|otp|key|apikey|token|jwt|assertion|credentials?|auth|authorization|signature|sign|sig|hmac|cookie|session|private|user|username|login|email|mail)$/

/** Words that say something about a secret, and are none. */
const plainWords = /^(type|format|lifetime|ttl|endpoint|url|uri|method|kind|expires|expiration|duration|version|alg)$/

/** Whether what goes by such a name is secret, or somebody's own. */
export function isSecretName(name: string): boolean {
  const words = snakeCase(name).split('_')
  if (plainWords.test(words.at(-1) ?? '')) return false
  return words.some((word) => secretWords.test(word)) || /secret|passw|apikey|accesskey|clientid/.test(words.join(''))
}

/** Whether a value is made as keys and identifiers are: nobody would write it by hand. */
export function looksSecret(value: string): boolean {
  if (/^eyJ[\w-]+\./.test(value)) return true
  return value
    .split(/[^A-Za-z0-9]+/)
    .some((word) => word.length >= 32 || (word.length >= 16 && /\d.*\d/.test(word) && /[A-Za-z]/.test(word)))
}

const uuid = /(?<![0-9a-z])[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])/i
