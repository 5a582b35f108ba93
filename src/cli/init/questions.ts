import { createInterface } from 'node:readline/promises'
import { OperationError } from '../command.ts'
import { noticeInterruption } from '../interruption.ts'

/** Somebody at a terminal who can be asked. Nothing secret: what is typed is seen. */
export interface Questions {
  /**
   * Asks one thing.
   * @param words that the tabulator key completes
   * @returns the line, without blanks around it
   * @throws OperationError when there is no answer any more: Ctrl-C, Ctrl-D, a signal, a closed terminal
   */
  ask(question: string, words?: readonly string[]): Promise<string>
  /** Leaves the terminal as it was. */
  end(): void
}

/** Somebody to ask; undefined when nobody sits at standard input and standard error. */
export function openQuestions(): Questions | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  let words: readonly string[] = []
  const complete = (line: string): [string[], string] => {
    const [begun = ''] = /[^\s,]*$/.exec(line) ?? []
    return [words.filter((word) => word.startsWith(begun)), begun]
  }
  const interruption = noticeInterruption('the questions')
  const lines = createInterface({ input: process.stdin, output: process.stderr, completer: complete })
  const closed = new AbortController()
  const signal = AbortSignal.any([interruption.signal, closed.signal])
  const close = (reason: string) => (): void => closed.abort(new OperationError(`the questions have ended: ${reason}`))
  lines.on('SIGINT', close('SIGINT')).on('close', close('the terminal is closed'))
  return {
    ask: async (question, known = []) => {
      words = known
      signal.throwIfAborted()
      try {
        return (await lines.question(question, { signal })).trim()
      } catch (error) {
        if (!signal.aborted) throw error
        // The cursor stands behind the question.
        process.stderr.write('\n')
        throw signal.reason
      }
    },
    end: () => {
      lines.removeAllListeners('close').close()
      interruption.end()
    },
  }
}
