import { afterAll, beforeAll } from 'vitest'
import { describeWithRedis, startRedis } from '../../../support/redis-server.ts'
import { openRedisStore } from '../../../support/redis-store.ts'
import { describeTokenStore } from '../contract.ts'

describeWithRedis('with a real Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  describeTokenStore('redis', 'everything', async () => {
    const stores: ReturnType<typeof openRedisStore>['store'][] = []
    const open = async () => {
      const { store } = openRedisStore(server.url)
      stores.push(store)
      await store.started()
      return store
    }
    return {
      store: await open(),
      another: open,
      advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      epochMs: () => Date.now(),
      close: async () => {
        await Promise.all(stores.map((store) => store.close()))
      },
    }
  })
})
