import { readFileSync } from 'node:fs'
import { ConfigError, problemAt } from './problem.ts'

/**
 * Reads what a configuration file says, word for word.
 * @throws ConfigError when it cannot be read
 */
export function readConfigText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code ?? 'unknown reason'})`
    const remedy = 'name a configuration with -c FILE or BEARERD_CONFIG, or start from proxy.config.yaml'
    throw new ConfigError([problemAt('no_configuration', file, { line: 0, column: 0 }, '', `${problem}; ${remedy}`)])
  }
}
