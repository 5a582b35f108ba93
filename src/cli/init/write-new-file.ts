import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, lstatSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { OperationError } from '../command.ts'

/**
 * Refuses what must not be overwritten, before anybody is asked anything.
 * @param isForced whether a file that is there may be replaced
 * @throws OperationError
 */
export function refuseToOverwrite(path: string, isForced: boolean): void {
  inOneLine(path, () => {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
    if (!isForced) throw alreadyThere(path)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
      throw new OperationError(`${path} is no file that could be overwritten`)
  })
}

/**
 * Writes a file as a whole or not at all: whoever reads it meanwhile finds the old one or the new one. A new one gets the permissions
 * that the system gives to files; one that is overwritten keeps its own.
 * @param isForced whether a file that is there may be replaced
 * @throws OperationError in one line
 */
export function writeNewFile(path: string, text: string, isForced: boolean): void {
  refuseToOverwrite(path, isForced)
  inOneLine(path, () => replace(isForced ? targetOf(path) : path, text, isForced))
}

function alreadyThere(path: string): OperationError {
  return new OperationError(`${path} is there already: --force overwrites it, -c FILE writes another, --stdout prints`)
}

function inOneLine(path: string, act: () => void): void {
  try {
    act()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (code === undefined) throw error
    // Somebody was faster.
    if (code === 'EEXIST') throw alreadyThere(path)
    throw new OperationError(`${path} cannot be written (${code}): see that its folder exists and may be written`, {
      cause: error,
    })
  }
}

/** A symbolic link stays one. */
function targetOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path)
}

function replace(path: string, text: string, isForced: boolean): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(temporary, text, { flag: 'wx' })
    if (mode !== undefined) chmodSync(temporary, mode & 0o777)
    if (isForced) renameSync(temporary, path)
    // Unlike a renaming, a link never replaces what somebody else has put there since.
    else linkSync(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}
