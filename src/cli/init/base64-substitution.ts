/**
 * What `$(echo -n ID:SECRET | base64)` would give, which is how documentation shows a value for Basic.
 * @param inner what stands in the parentheses
 * @param split splits a command into words
 * @returns undefined for any other command
 */
export function base64OfSubstitution(inner: string, split: (text: string) => string[]): string | undefined {
  const [, producer] = /^([^]*)\|\s*base64(?:\s+(?:-w\s*0|--wrap=0))?\s*$/.exec(inner) ?? []
  if (producer === undefined) return undefined
  const [command, ...words] = split(producer)
  const text = command === 'echo' || command === 'printf' ? printed(command, words) : undefined
  return text === undefined ? undefined : Buffer.from(text).toString('base64')
}

function printed(command: 'echo' | 'printf', words: readonly string[]): string | undefined {
  const [first = '', second] = words
  if (words.length > 2) return undefined
  if (command === 'printf') return second === undefined ? withoutFormat(first) : first === '%s' ? second : undefined
  if (second !== undefined) return first === '-n' ? second : undefined
  return `${first}\n`
}

function withoutFormat(text: string): string | undefined {
  return /[%\\]/.test(text) ? undefined : text
}
