import type { BudgetTerms, BudgetVerdict } from './token-store.ts'

/**
 * Spends one token request of a budget, if its terms allow it.
 * @param spentAtMs when the ones before were made
 * @param nowMs by the same clock
 * @returns the verdict, and what to remember of it
 */
export function spendFrom(
  spentAtMs: readonly number[],
  { limit, windowMs, reserve }: BudgetTerms,
  nowMs: number,
): { readonly verdict: BudgetVerdict; readonly spentAtMs: readonly number[] } {
  // Times later than now are left from before the clock was set back.
  const inWindow = spentAtMs.filter((atMs) => atMs > nowMs - windowMs && atMs <= nowMs)
  const isSpent = limit - inWindow.length > reserve
  const spent = isSpent ? [...inWindow, nowMs] : inWindow
  return { verdict: { isSpent, agesMs: spent.map((atMs) => nowMs - atMs) }, spentAtMs: spent }
}
