import type { Config } from './config.ts'
import { readConfigText } from './config-text.ts'
import { ConfigError, formatPath, problemAt } from './problem.ts'
import type { ConfigProblem } from './problem.ts'
import { readGroup } from './read-group.ts'
import type { Report } from './report.ts'
import { gatewaySchema } from './schema/gateway.ts'
import { readYaml } from './yaml-document.ts'

/**
 * Reads where the admin interface of a gateway is, and no more: whatever else is wrong with the file by now, a gateway that runs goes on
 * with what it read before, and can be asked how it is.
 * @throws ConfigError when `admin` cannot be understood, or nothing of the file
 */
export function readAdmin(file: string, env: Readonly<NodeJS.ProcessEnv>): Pick<Config['admin'], 'listen' | 'tls'> {
  const document = readYaml(file, readConfigText(file), env)
  const problems: ConfigProblem[] = [...document.problems]
  const report: Report = (code, path, message, part = 'value') => {
    problems.push(problemAt(code, file, document.placeOf(path, part), formatPath(path), message))
  }
  if (document.value === undefined || document.value === null) {
    if (problems.length === 0) report('empty_configuration', [], 'the file is empty; start from proxy.config.yaml')
    throw new ConfigError(problems)
  }
  const { admin } = readGroup(gatewaySchema(env), document.value, report).known
  if (admin !== undefined) return admin
  const ofAdmin = problems.filter(({ path }) => /^admin\b/.test(path))
  throw new ConfigError(ofAdmin.length > 0 ? ofAdmin : problems)
}
