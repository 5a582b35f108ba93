import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { Secret } from '../../../../src/config/secret.ts'
import { createLog } from '../../../../src/telemetry/log.ts'
import type { Clock } from '../../../../src/tokens/clock.ts'
import { openTokenStore } from '../../../../src/tokens/store/open-token-store.ts'
import type { TokenStore } from '../../../../src/tokens/store/token-store.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { freshKeys, publish, tokenEntry } from '../entries.ts'

/** A folder of its own for a file store, and what the stores opened in it have said. */
export interface Place {
  readonly folder: string
  readonly path: string
  readonly clock: FakeClock
  /** Parsed log lines so far, of all stores. */
  readonly log: Record<string, unknown>[]
  /** What was told of the store's health, in order. */
  readonly ups: boolean[]
  /** Opens a store there, as a process that starts. */
  open(more?: OpenOptions): Promise<TokenStore>
  text(): Promise<string>
  files(): Promise<string[]>
  messages(): unknown[]
}

/** How a store is opened, where it matters. */
export interface OpenOptions {
  readonly path?: string
  readonly key?: Secret
  readonly previous?: Secret
  readonly clock?: Clock
  readonly maxTokens?: number
}

/** A key for a file, as openssl would make it. */
export function someKey(): Secret {
  return Secret.of(randomBytes(32).toString('base64'))
}

/** @param finish clears up; by default when the test ends */
export async function somePlace(finish: (clear: () => Promise<void>) => void = onTestFinished): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'bearerd-file-store-'))
  const path = join(folder, 'tokens')
  const clock = new FakeClock()
  const log: Record<string, unknown>[] = []
  const ups: boolean[] = []
  const defaultKey = someKey()
  const opened: TokenStore[] = []
  finish(async () => {
    await Promise.all(opened.map((store) => store.close()))
    await rm(folder, { recursive: true, force: true })
  })
  return {
    folder,
    path,
    clock,
    log,
    ups,
    open: async ({ key = defaultKey, previous, maxTokens = 100, ...more } = {}) => {
      const store = await openTokenStore(
        { kind: 'file', path: more.path ?? path, max_tokens: maxTokens, encryption_key: key, encryption_key_previous: previous },
        {
          clock: more.clock ?? clock,
          random: () => 0.5,
          log: createLog({ write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
          onUp: (_, isUp) => ups.push(isUp),
        },
      )
      opened.push(store)
      return store
    },
    text: () => readFile(path, 'utf8'),
    files: async () => (await readdir(folder)).sort(),
    messages: () => log.map(({ message }) => message),
  }
}

/** Opens a store there, and keeps a token and a refresh token in it. */
export async function placeWithToken(place: Place) {
  const keys = freshKeys()
  const token = tokenEntry(place.clock.epochMs())
  const store = await place.open()
  expect(await publish(store, keys, token)).toBe(true)
  return { keys, token, store }
}
