import type { Socket } from 'node:net'

/** What an end may say: notes that nobody answers, and questions with their answers; each by its kind. All of it is JSON. */
export interface Vocabulary {
  readonly notes: object
  readonly questions: { readonly [Kind in string]: { readonly question: unknown; readonly answer: unknown } }
}

/** One end of a channel between processes, as the platform has it. */
export interface ChannelEnd {
  /** Nothing happens when there is nobody at the other end any more. @param onSent told once it is on its way */
  send(message: unknown, socket?: Socket, onSent?: () => void): void
  onMessage(listener: (message: unknown, socket?: Socket) => void): void
  onClose(listener: () => void): void
}

/** What an end does with what it is told and asked. */
export interface Handlers<Theirs extends Vocabulary> {
  readonly notes: {
    readonly [Kind in keyof Theirs['notes']]: (note: Theirs['notes'][Kind], socket: Socket | undefined) => void
  }
  readonly questions: {
    readonly [Kind in keyof Theirs['questions']]: (
      question: Theirs['questions'][Kind]['question'],
    ) => Theirs['questions'][Kind]['answer'] | Promise<Theirs['questions'][Kind]['answer']>
  }
}

/** The other process is gone, or has failed to answer. */
export class LinkError extends Error {
  override name = 'LinkError' as const
}

/** One end of the conversation between the main process and a worker. What one end says arrives in the order in which it was said. */
export class Link<Mine extends Vocabulary, Theirs extends Vocabulary> {
  readonly #end: ChannelEnd
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #asked = 0
  #isClosed = false

  constructor(end: ChannelEnd, handlers: Handlers<Theirs>) {
    this.#end = end
    end.onMessage((message, socket) => this.#receive(message as Message, socket, handlers as AnyHandlers))
    end.onClose(() => {
      this.#isClosed = true
      for (const { reject } of this.#waiting.values()) reject(new LinkError('the other process has ended'))
      this.#waiting.clear()
    })
  }

  /** @param onSent told once it is on its way */
  tell<Kind extends keyof Mine['notes'] & string>(
    kind: Kind,
    note: Mine['notes'][Kind],
    socket?: Socket,
    onSent?: () => void,
  ): void {
    this.#end.send(['note', kind, note] satisfies Message, socket, onSent)
  }

  /** @throws LinkError when there will be no answer */
  async ask<Kind extends keyof Mine['questions'] & string>(
    kind: Kind,
    question: Mine['questions'][Kind]['question'],
  ): Promise<Mine['questions'][Kind]['answer']> {
    if (this.#isClosed) throw new LinkError('the other process has ended')
    const id = ++this.#asked
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#end.send(['question', kind, question, id] satisfies Message)
    return await answer.promise
  }

  #receive(message: Message, socket: Socket | undefined, { notes, questions }: AnyHandlers): void {
    if (message[0] === 'note') notes[message[1]]?.(message[2], socket)
    else if (message[0] === 'question') void this.#answer(message[3], () => questions[message[1]]?.(message[2]))
    else {
      const waiting = this.#waiting.get(message[1])
      this.#waiting.delete(message[1])
      if (message[0] === 'answer') waiting?.resolve(message[2])
      else waiting?.reject(new LinkError(message[2]))
    }
  }

  async #answer(id: number, make: () => unknown): Promise<void> {
    try {
      this.#end.send(['answer', id, await make()] satisfies Message)
    } catch (error) {
      this.#end.send(['failure', id, error instanceof Error ? error.message : 'unknown reason'] satisfies Message)
    }
  }
}

type Message =
  | readonly ['note', kind: string, note: unknown]
  | readonly ['question', kind: string, question: unknown, id: number]
  | readonly ['answer', id: number, answer: unknown]
  | readonly ['failure', id: number, message: string]

interface AnyHandlers {
  readonly notes: Readonly<Record<string, (note: unknown, socket: Socket | undefined) => void>>
  readonly questions: Readonly<Record<string, (question: unknown) => unknown>>
}
