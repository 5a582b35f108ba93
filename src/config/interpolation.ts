/**
 * Fills in `${NAME}` and `${NAME:-default}`; `$${` stands for a literal `${`. As in a shell, `:-` also covers a variable
 * that is set but empty.
 * @returns the filled text, and a problem for each variable that is missing or malformed (never showing a value)
 */
export function interpolate(
  source: string,
  env: Readonly<NodeJS.ProcessEnv>,
): { text: string; problems: { problem: string; remedy: string }[] } {
  const problems: { problem: string; remedy: string }[] = []
  const text = source.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (match, inner: string | undefined, close: string | undefined) => {
    if (match === '$${' || inner === undefined) return '${'
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner) ?? []
    if (name === undefined || close !== '}') {
      problems.push({ problem: `malformed variable`, remedy: 'write ${NAME} or ${NAME:-default}; $${ for a literal ${' })
      return ''
    }
    const value = env[name]
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value === undefined) {
      problems.push({
        problem: `the environment variable ${name} is not set`,
        remedy: `set it, or give a default: \${${name}:-default}`,
      })
    }
    return value ?? ''
  })
  return { text, problems }
}
