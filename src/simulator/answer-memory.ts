import type { Answer } from './answer.ts'

const MAX_KEYS = 10_000

/** Remembers the first answer given for a key, for calls that the provider dedupes. The oldest of 10,000 keys are forgotten. */
export class AnswerMemory {
  readonly #answers = new Map<string, Answer>()

  /** The answer of the first call with this key; makes it when this is the first one. No key: always a new answer. */
  answerOnce(key: string | undefined, make: () => Answer): Answer {
    if (key === undefined) return make()
    const answer = this.#answers.get(key) ?? make()
    this.#answers.set(key, answer)
    const oldest = this.#answers.keys().next().value
    if (this.#answers.size > MAX_KEYS && oldest !== undefined) this.#answers.delete(oldest)
    return answer
  }
}
