/** One selector of a PromQL expression. */
export interface Selector {
  readonly text: string
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** The selectors of an expression: metrics of bearerd, of its client library, and `up`. */
export function selectorsOf(expr: string): Selector[] {
  return [...expr.matchAll(/\b((?:bearerd|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g)].map(
    ([text, metric = '', inside = '']) => ({
      text,
      metric,
      matchers: [...inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
        label,
        operator,
        value,
      })),
    }),
  )
}

/** The labels that an expression groups or joins by. */
export function groupingsOf(expr: string): string[] {
  return [...expr.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, inside = '']) =>
    inside
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  )
}
