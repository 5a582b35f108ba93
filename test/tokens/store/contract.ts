import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoreEvent, StoreKeys, TokenStore } from '../../../src/tokens/store/token-store.ts'
import { budgetOf, eventually, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from './entries.ts'

/** A store to hold to the contract. */
export interface StoreUnderTest {
  readonly store: TokenStore
  /** Opens a further one at the same place, as another process would; absent where nobody else can get at it. */
  another?(): Promise<TokenStore>
  /** Lets so much time pass: by turning a clock, or by waiting. */
  advance(ms: number): Promise<void>
  /** The date that the store goes by. */
  epochMs(): number
  /** Closes all of them, and clears up. */
  close(): Promise<void>
}

const failure = { kind: 'unavailable', code: 'http_503', message: 'the token endpoint answered 503' } as const

/**
 * What every token store does, whatever it keeps things in.
 * @param open gives a store at an empty place
 */
export function describeTokenStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`the ${name} store`, () => {
    let under: StoreUnderTest
    let store: TokenStore
    let keys: StoreKeys
    const token = (more: Parameters<typeof tokenEntry>[1] = {}) => tokenEntry(under.epochMs(), more)
    const grant = (refreshToken?: string) => grantEntry(under.epochMs(), refreshToken)

    beforeEach(async () => {
      under = await open()
      store = under.store
      keys = freshKeys()
    })
    afterEach(() => under.close())

    describe('keeping a token', () => {
      it('gives the lock to the first who claims where there is nothing', async () => {
        expect(await store.read(keys)).toBeUndefined()
        const claim = await store.claim(keys, undefined)
        expect(claim.state).toBe('locked')
        expect(claim.state === 'locked' && claim.lock.grant).toBeUndefined()
      })

      it('gives what was published, with what is left of its life', async () => {
        const published = token({ isOnProbation: true })
        expect(await publish(store, keys, published)).toBe(true)
        await under.advance(150)
        const claim = await store.claim(keys, undefined)
        expect(claim).toEqual({ state: 'kept', token: { ...published, remainingMs: expect.any(Number) as number } })
        const remainingMs = claim.state === 'kept' ? claim.token.remainingMs : 0
        expect(remainingMs).toBeLessThanOrEqual(3_600_000 - 150)
        expect(remainingMs).toBeGreaterThan(3_600_000 - 2_000)
        expect(await store.read(keys)).toMatchObject({ id: published.id, accessToken: published.accessToken })
      })

      it('counts the life of a token from when it was issued', async () => {
        await publish(store, keys, tokenEntry(under.epochMs() - 1_000_000))
        const remainingMs = (await store.read(keys))?.remainingMs
        expect(remainingMs).toBeLessThanOrEqual(2_600_000)
        expect(remainingMs).toBeGreaterThan(2_590_000)
      })

      it('does not give a claimant the token it knows, but the lock', async () => {
        const known = token()
        await publish(store, keys, known)
        await locked(store, keys, known.id)
        expect(keptId(await store.claim(keys, 'another id'))).toBe(known.id)
      })

      it('gives no expired token', async () => {
        await publish(store, keys, token({ lifeMs: 300 }))
        expect((await store.read(keys))?.remainingMs).toBeLessThanOrEqual(300)
        await under.advance(350)
        expect(await store.read(keys)).toBeUndefined()
        await locked(store, keys)
      })

      it('gives no token that had expired when it came', async () => {
        const lock = await locked(store, keys)
        await lock.publish(tokenEntry(under.epochMs() - 5_000, { lifeMs: 4_000 }), grant())
        expect(await store.read(keys)).toBeUndefined()
        await locked(store, keys)
      })

      it('replaces a token by the next one', async () => {
        const [first, second] = [token(), token()]
        await publish(store, keys, first)
        await publish(store, keys, second, first.id)
        expect(keptId(await store.claim(keys, first.id))).toBe(second.id)
      })

      it('keeps the tokens of different keys apart', async () => {
        const others = freshKeys()
        const [ours, theirs] = [token(), token()]
        await publish(store, keys, ours)
        await publish(store, others, theirs)
        expect((await store.read(keys))?.id).toBe(ours.id)
        expect((await store.read(others))?.id).toBe(theirs.id)
        expect(await store.read(freshKeys())).toBeUndefined()
      })

      it('gives it to others who use the same place', async (context) => {
        if (under.another === undefined) {
          context.skip()
          return
        }
        const other = await under.another()
        const published = token()
        await publish(store, keys, published)
        expect(keptId(await other.claim(keys, undefined))).toBe(published.id)
        expect((await other.readGrant(keys))?.refreshToken).toBe('canary-refresh-token')
      })
    })

    describe('the lock', () => {
      it('goes to one of many who claim at the same time', async () => {
        const stores = [store, ...(store.isShared && under.another !== undefined ? [await under.another()] : [])]
        const claims = await Promise.all(
          Array.from({ length: 40 }, async (_, at) => stores[at % stores.length]?.claim(keys, undefined)),
        )
        expect(claims.filter((claim) => claim?.state === 'locked')).toHaveLength(1)
        expect(claims.filter((claim) => claim?.state === 'taken')).toHaveLength(39)
      })

      it('is one for each token', async () => {
        await locked(store, keys)
        await locked(store, freshKeys())
        expect(await store.claim(keys, undefined)).toEqual({ state: 'taken', failure: undefined })
      })

      it('ends with its release', async () => {
        const lock = await locked(store, keys)
        lock.release()
        await eventually(() => locked(store, keys))
      })

      it('ends with what is published', async () => {
        const published = token()
        await publish(store, keys, published)
        await locked(store, keys, published.id)
      })

      it('is not ended by who had it before', async () => {
        const lock = await locked(store, keys)
        lock.release()
        const next = await eventually(() => locked(store, keys))
        lock.release()
        lock.fail(failure, 1_000)
        // Long enough for a store that is told from afar.
        await under.advance(50)
        expect(await store.claim(keys, undefined)).toEqual({ state: 'taken', failure: undefined })
        next.release()
        await eventually(() => locked(store, keys))
      })
    })

    describe('a failure', () => {
      it('is told to who claims next, for as long as it lasts', async () => {
        const lock = await locked(store, keys)
        lock.fail(failure, 300)
        await eventually(async () => expect(await store.claim(keys, undefined)).toEqual({ state: 'taken', failure }))
        await under.advance(350)
        await locked(store, keys)
      })

      it('keeps others waiting for a second at most when the token endpoint is unavailable', async () => {
        const lock = await locked(store, keys)
        lock.fail(failure, 300_000)
        await eventually(async () => expect(await store.claim(keys, undefined)).toMatchObject({ failure }))
        await under.advance(1_050)
        await locked(store, keys)
      })

      it('keeps nobody from the token that is there', async () => {
        const known = token()
        await publish(store, keys, known)
        const lock = await locked(store, keys, known.id)
        lock.fail(failure, 1_000)
        await eventually(async () => expect(await store.claim(keys, known.id)).toMatchObject({ failure }))
        expect(keptId(await store.claim(keys, undefined))).toBe(known.id)
      })

      it('concerns no other token', async () => {
        const lock = await locked(store, keys)
        lock.fail(failure, 1_000)
        await locked(store, freshKeys())
      })
    })

    describe('what is remembered of grants', () => {
      it('is there under the lock and without it', async () => {
        const remembered = grant()
        const lock = await locked(store, keys)
        await lock.publish(token({ id: 'first' }), remembered)
        expect((await locked(store, keys, 'first')).grant).toEqual(remembered)
        expect(await store.readGrant(keys)).toEqual(remembered)
        expect(await store.readGrant(freshKeys())).toBeUndefined()
      })

      it('may lack everything but its date', async () => {
        const empty = {
          refreshToken: undefined,
          firstRefreshToken: undefined,
          lifetimeMs: undefined,
          writtenAtEpochMs: under.epochMs(),
        }
        expect(await store.keepGrant(keys, empty)).toBe(true)
        expect(await store.readGrant(keys)).toEqual(empty)
      })

      it('outlives the token', async () => {
        const published = token({ lifeMs: 200 })
        await publish(store, keys, published)
        store.reject(keys, published.id)
        await under.advance(250)
        expect((await store.readGrant(keys))?.refreshToken).toBe('canary-refresh-token')
      })

      it('is replaced with each token request', async () => {
        await publish(store, keys, token({ id: 'first' }))
        const lock = await locked(store, keys, 'first')
        await under.advance(5)
        await lock.publish(token({ id: 'second' }), grant('canary-refresh-token-2'))
        expect((await store.readGrant(keys))?.refreshToken).toBe('canary-refresh-token-2')
      })

      it('can be kept without a token request, and is there at the next one', async () => {
        const login = { ...grant('canary-login'), firstRefreshToken: undefined }
        expect(await store.keepGrant(keys, login)).toBe(true)
        expect((await locked(store, keys)).grant).toEqual(login)
      })

      it('of a login is not lost to a token request that began before it', async () => {
        await publish(store, keys, token({ id: 'first' }))
        const lock = await locked(store, keys, 'first')
        await under.advance(5)
        await store.keepGrant(keys, { ...grant('canary-login'), firstRefreshToken: undefined })
        await under.advance(5)
        await lock.publish(token({ id: 'second' }), grant('canary-refresh-token-2'))
        expect((await store.read(keys))?.id).toBe('second')
        expect((await store.readGrant(keys))?.refreshToken).toBe('canary-login')
      })
    })

    describe('a token that is refused, accepted or revoked', () => {
      it('is kept no longer once it is refused', async () => {
        const refused = token()
        await publish(store, keys, refused)
        store.reject(keys, refused.id)
        await eventually(async () => expect(await store.read(keys)).toBeUndefined())
        await locked(store, keys)
      })

      it('takes no other one with it', async () => {
        const kept = token()
        await publish(store, keys, kept)
        store.reject(keys, 'the one before')
        await store.forget(keys, 'the one before')
        await under.advance(50)
        expect((await store.read(keys))?.id).toBe(kept.id)
      })

      it('ends its probation when it is accepted', async () => {
        const renewed = token({ isOnProbation: true })
        await publish(store, keys, renewed)
        store.accept(keys, 'the one before')
        expect((await store.read(keys))?.isOnProbation).toBe(true)
        store.accept(keys, renewed.id)
        await eventually(async () => expect((await store.read(keys))?.isOnProbation).toBe(false))
        expect(await store.read(keys)).toMatchObject({ id: renewed.id, accessToken: renewed.accessToken, fields: renewed.fields })
      })

      it('is forgotten once it is revoked', async () => {
        const revoked = token()
        await publish(store, keys, revoked)
        await store.forget(keys, revoked.id)
        expect(await store.read(keys)).toBeUndefined()
      })
    })

    describe('events', () => {
      const listen = (at: TokenStore, of: StoreKeys): { readonly heard: StoreEvent[]; end(): void } => {
        const heard: StoreEvent[] = []
        return { heard, end: at.subscribe(of, (event) => heard.push(event)) }
      }

      it('reach everybody who listens, whoever caused them', async () => {
        const stores = [store, store, ...(store.isShared && under.another !== undefined ? [await under.another()] : [])]
        const listeners = stores.map((each) => listen(each, keys))
        await store.readGrant(keys)
        await publish(store, keys, token({ id: 'one' }))
        store.reject(keys, 'one')
        store.accept(keys, 'two')
        await eventually(async () => expect(await store.read(keys)).toBeUndefined())
        const lock = await locked(store, keys)
        lock.fail(failure, 10)
        await store.keepGrant(keys, grant('canary-login'))
        const expected = [
          { type: 'granted', id: 'one' },
          { type: 'rejected', id: 'one' },
          { type: 'accepted', id: 'two' },
          { type: 'failed' },
          { type: 'login' },
        ]
        for (const { heard } of listeners) {
          await eventually(() => expect(heard).toHaveLength(expected.length))
          expect(heard).toEqual(expect.arrayContaining(expected))
          expect(heard[0]).toEqual(expected[0])
        }
      })

      it('come later than the call that caused them returns', async () => {
        const { heard } = listen(store, keys)
        store.reject(keys, 'one')
        expect(heard).toEqual([])
        await eventually(() => expect(heard).toHaveLength(1))
      })

      it('reach nobody who listens for other tokens, or no longer', async () => {
        const [others, ended, lasting] = [listen(store, freshKeys()), listen(store, keys), listen(store, keys)]
        ended.end()
        ended.end()
        store.reject(keys, 'one')
        await eventually(() => expect(lasting.heard).toHaveLength(1))
        expect([...others.heard, ...ended.heard]).toEqual([])
      })
    })

    describe('a budget', () => {
      const spend = async (terms: ReturnType<typeof budgetOf>, at: TokenStore = store, key = keys.budget) =>
        (await locked(at, freshKeys())).spend(key, terms)

      it('is spent once for each token request, and never beyond its limit', async () => {
        const verdicts = await Promise.all(Array.from({ length: 8 }, () => spend(budgetOf(5))))
        expect(verdicts.filter((verdict) => verdict?.isSpent === true)).toHaveLength(5)
        expect((await spend(budgetOf(5)))?.agesMs).toHaveLength(5)
      })

      it('slides: what was spent comes back a window later', async () => {
        const terms = budgetOf(2, 400)
        expect((await spend(terms))?.isSpent).toBe(true)
        await under.advance(200)
        expect((await spend(terms))?.isSpent).toBe(true)
        expect((await spend(terms))?.isSpent).toBe(false)
        await under.advance(250)
        expect((await spend(terms))?.isSpent).toBe(true)
      })

      it('leaves the reserve untouched', async () => {
        expect((await spend(budgetOf(2, 60_000, 1)))?.isSpent).toBe(true)
        expect((await spend(budgetOf(2, 60_000, 1)))?.isSpent).toBe(false)
        expect((await spend(budgetOf(2, 60_000, 0)))?.isSpent).toBe(true)
        expect((await spend(budgetOf(2, 60_000, 0)))?.isSpent).toBe(false)
      })

      it('says how long ago each was spent, this one included, oldest first', async () => {
        const terms = budgetOf(2)
        await spend(terms)
        await under.advance(200)
        const ages = (await spend(terms))?.agesMs ?? []
        expect(ages).toHaveLength(2)
        expect(ages[0]).toBeGreaterThanOrEqual(195)
        expect(ages[0]).toBeLessThan(2_000)
        expect(ages[1]).toBeGreaterThanOrEqual(0)
        expect(ages[1]).toBeLessThan(1_000)
        const refusal = await spend(terms)
        expect(refusal).toMatchObject({ isSpent: false })
        expect(refusal?.agesMs).toHaveLength(2)
      })

      it('is a budget of its own for each client', async () => {
        expect((await spend(budgetOf(1)))?.isSpent).toBe(true)
        expect((await spend(budgetOf(1), store, freshKeys().budget))?.isSpent).toBe(true)
      })

      it('is one for all who share the store', async (context) => {
        if (!store.isShared || under.another === undefined) {
          context.skip()
          return
        }
        const other = await under.another()
        expect((await spend(budgetOf(1)))?.isSpent).toBe(true)
        expect((await spend(budgetOf(1), other))?.isSpent).toBe(false)
      })
    })

    it('goes on answering, and never throws, after it is closed', async () => {
      const published = token()
      await publish(store, keys, published)
      const lock = await locked(store, keys, published.id)
      const other = await locked(store, freshKeys())
      const heard: StoreEvent[] = []
      await store.close()
      await store.close()
      const end = store.subscribe(keys, (event) => heard.push(event))
      await lock.spend(keys.budget, budgetOf(1))
      await lock.publish(token(), grant())
      other.fail(failure, 1_000)
      other.release()
      await store.read(keys)
      await store.claim(keys, undefined)
      await store.readGrant(keys)
      await store.keepGrant(keys, grant())
      store.reject(keys, published.id)
      store.accept(keys, published.id)
      await store.forget(keys, published.id)
      end()
    })
  })
}
