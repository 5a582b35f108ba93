import { OperationError } from './command.ts'

/** Notices that nobody is there any more. */
export interface Interruption {
  /** Aborted with an OperationError that says why. */
  readonly signal: AbortSignal
  /** Notices nothing from now on, so that the process can end. */
  end(): void
}

/**
 * Notices SIGINT, SIGTERM, SIGHUP, a terminal that is closed, and that time is up.
 * @param what is interrupted, for the message
 * @param timeoutMs milliseconds; without it there is all the time in the world
 */
export function noticeInterruption(what: string, timeoutMs?: number): Interruption {
  const controller = new AbortController()
  const interrupt = (reason: string): void => controller.abort(new OperationError(`${what} has ended: ${reason}`))
  const onTimeout = (): void => interrupt('nobody answered in time; run the command again, perhaps with --timeout')
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs)
  const onSignal = (signal: string): void => interrupt(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)

  // Without a terminal (a job, a container) the input is often closed from the beginning, which says nothing.
  const terminal = process.stdin.isTTY ? process.stdin : undefined
  const onClosed = (): void => interrupt('the terminal is closed')
  terminal?.on('end', onClosed).on('error', onClosed).resume()
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer)
      for (const signal of signals) process.off(signal, onSignal)
      terminal?.off('end', onClosed).pause()
    },
  }
}
