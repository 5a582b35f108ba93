import { describeTokenStore } from '../contract.ts'
import { somePlace } from './place.ts'

describeTokenStore('file', 'entries', async () => {
  let clear = async (): Promise<void> => {}
  const place = await somePlace((finish) => (clear = finish))
  return {
    store: await place.open(),
    another: () => place.open(),
    advance: (ms) => place.clock.advance(ms),
    epochMs: () => place.clock.epochMs(),
    close: () => clear(),
  }
})
