import { OperationError } from '../../src/cli/command.ts'
import { loginCommand } from '../../src/cli/login.ts'
import { systemClock } from '../../src/tokens/clock.ts'
import { smallStore } from './small-store.ts'

// `bearerd login main -c FILE` as a process of its own, with a store of the tests.
const [, , ...positionals] = process.argv
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const command = loginCommand({ openStore: () => Promise.resolve(smallStore()), openBrowser: () => {}, clock: systemClock })
process.exitCode = await command
  .run({ values: {}, positionals, env: process.env, stdout: print, stderr: print })
  .catch((error: unknown) => {
    if (!(error instanceof OperationError)) throw error
    process.stderr.write(`bearerd: ${error.message}\n`)
    return 1
  })
