import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { Secret } from '../../config/secret.ts'

/** Encrypts what leaves the process, and names it so that the name says nothing. */
export interface Sealing {
  /** The name under which an entry is kept. @param digest what it would be called if names were no secrets */
  nameOf(digest: string): string
  /** Its names under the keys before, for entries from before a rotation; the newest first. */
  formerNamesOf(digest: string): readonly string[]
  /** @param name binds the text to its place: copied to another one it does not open */
  seal(name: string, text: string): string
  /** @returns undefined when the text was not sealed for this name with a key that is configured */
  open(name: string, sealed: string): string | undefined
}

const version = 'v1'
const nonceBytes = 12
const tagBytes = 16

/**
 * Seals with AES-256-GCM (NIST SP 800-38D), a random nonce of 96 bits for each text, and names with HMAC-SHA-256. A sealed text
 * says which key it needs, and the name of its entry is part of what is authenticated.
 * @param current 32 bytes in base64; what is sealed from now on
 * @param previous still opens what was sealed before a rotation
 */
export function createSealing(current: Secret, previous: Secret | undefined): Sealing {
  const keys = new Map<string, SealingKey>()
  // Revealed at each use: the key may be in a file that is rotated while the gateway runs.
  const keyOf = (secret: Secret): SealingKey => {
    const text = secret.reveal()
    const key = keys.get(text) ?? deriveKey(text)
    keys.set(text, key)
    return key
  }
  const candidates = (): SealingKey[] => [current, previous].filter((secret) => secret !== undefined).map(keyOf)

  return {
    nameOf: (digest) => nameUnder(keyOf(current), digest),
    formerNamesOf: (digest) => (previous === undefined ? [] : [nameUnder(keyOf(previous), digest)]),
    seal: (name, text) => {
      const key = keyOf(current)
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key.encryption, nonce).setAAD(boundTo(key, name))
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${version}.${key.id}.${sealed.toString('base64url')}`
    },
    open: (name, sealed) => {
      const [, id, text] = /^v1\.([^.]+)\.([A-Za-z0-9_-]+)$/.exec(sealed) ?? []
      const key = candidates().find((candidate) => candidate.id === id)
      return key === undefined || text === undefined ? undefined : decrypt(key, name, Buffer.from(text, 'base64url'))
    },
  }
}

interface SealingKey {
  readonly id: string
  readonly encryption: Buffer
  readonly naming: Buffer
}

/** One configured key, two purposes: each gets a key of its own (NIST SP 800-108; RFC 5869). */
function deriveKey(text: string): SealingKey {
  const key = Buffer.from(text, 'base64')
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', `bearerd ${version} ${purpose}`, 32))
  const encryption = derive('encryption')
  return { id: createHash('sha256').update(encryption).digest('hex').slice(0, 8), encryption, naming: derive('names') }
}

function nameUnder({ naming }: SealingKey, digest: string): string {
  return createHmac('sha256', naming).update(digest).digest('base64url')
}

function boundTo({ id }: SealingKey, name: string): Buffer {
  return Buffer.from(`${version}.${id}.${name}`)
}

function decrypt(key: SealingKey, name: string, sealed: Buffer): string | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined
  const [nonce, text, tag] = [sealed.subarray(0, nonceBytes), sealed.subarray(nonceBytes, -tagBytes), sealed.subarray(-tagBytes)]
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.encryption, nonce).setAAD(boundTo(key, name)).setAuthTag(tag)
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
