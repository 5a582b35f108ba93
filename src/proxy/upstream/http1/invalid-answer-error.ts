/** What an upstream sent is not an answer: the message says why, for people, and holds nothing that it sent but numbers. */
export class InvalidAnswerError extends Error {
  override name = 'InvalidAnswerError' as const
}
