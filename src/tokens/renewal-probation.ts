import type { AccessToken } from './access-token.ts'
import { CoolDown } from './cool-down.ts'

/**
 * Watches whether renewals that refusals caused were of use, and keeps a place that refuses every token from causing a token
 * request per call.
 *
 * A renewal is on probation from the moment it is there. Only the replay of the very request that caused it can end that: other
 * requests were refused with the old token merely because the renewal ended that one, so their success says nothing.
 */
export class RenewalProbation {
  /** After a renewal that did not help, or whose replay has not been answered yet. For all refusals. */
  readonly #coolDown = new CoolDown()
  /** After a renewal of which nobody will know, because its request could not be replayed. For refusals of such requests only. */
  readonly #unproven = new CoolDown()
  /** The id of the token that was suspected last. */
  #suspected: string | undefined
  #undo: () => void = () => {}

  /** Whether a refusal may not cause a renewal now. @param canReplay whether its request can show if a new token helps */
  forbids(nowMs: number, canReplay: boolean): boolean {
    return this.#coolDown.isActive(nowMs) || (!canReplay && this.#unproven.isActive(nowMs))
  }

  /** Milliseconds for which refusals pass through; 0 when they cause renewals. */
  remainingMs(nowMs: number): number {
    return this.#coolDown.remainingMs(nowMs)
  }

  /**
   * A token is under suspicion: it was renewed after a refusal, is refused itself, or is the refused one over again. Counts
   * once for each token.
   */
  suspect({ id }: AccessToken, nowMs: number): void {
    if (this.#suspected === id) return
    this.#suspected = id
    this.#undo = this.#coolDown.start(nowMs)
  }

  /** The replay was accepted: the renewal was of use. */
  acquit(): void {
    this.#coolDown.end()
    this.#unproven.end()
  }

  /** There was no replay: nobody knows. */
  leaveOpen(nowMs: number): void {
    this.#undo()
    this.#undo = () => {}
    this.#unproven.start(nowMs)
  }
}
