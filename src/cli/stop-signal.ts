/**
 * Waits for SIGTERM or SIGINT. A second signal ends the process at once, for a person who does not want to wait for open
 * requests.
 * @param onFirst told of the first signal
 */
export function stopSignal(onFirst?: (signal: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false
    const onSignal = (signal: string): void => {
      if (isStopping) process.exit(1)
      isStopping = true
      onFirst?.(signal)
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}
