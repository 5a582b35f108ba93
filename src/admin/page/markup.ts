/** Text that is markup. Made by {@link markup} only, so that nothing becomes markup by mistake. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What can stand in markup; `undefined` stands for nothing. */
export type MarkupPart = Markup | string | number | undefined | readonly MarkupPart[]

/**
 * Puts parts into a text of markup: those that are markup as they are, everything else escaped, in attributes too. Attributes have to be
 * in quotes, and no part may stand in a script, a style or the name of anything.
 */
export function markup(texts: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  return new Markup(texts.map((text, index) => text + (index < parts.length ? textOf(parts[index]) : '')).join(''))
}

function textOf(part: MarkupPart): string {
  if (part === undefined) return ''
  if (part instanceof Markup) return part.text
  if (typeof part === 'string') return escape(part)
  return typeof part === 'number' ? String(part) : part.map(textOf).join('')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
