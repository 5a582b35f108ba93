import { availableParallelism } from 'node:os'
import { z } from 'zod'

/** More processes than any machine that this is for has cores. */
const most = 256

const error = `not a number of workers; write auto for one per core, or a whole number from 1 to ${most}`

/** How many processes serve requests; `auto` is one per core that this process may use. Digits from a variable count too. */
export const workers = z
  .union([z.number({ error }), z.string({ error })], { error })
  .transform((value) => (value === 'auto' ? Math.min(availableParallelism(), most) : numberOf(value)))
  .refine((count) => Number.isSafeInteger(count) && count >= 1 && count <= most, { error })

function numberOf(value: number | string): number {
  return typeof value === 'number' || /^\d+$/.test(value) ? Number(value) : Number.NaN
}
