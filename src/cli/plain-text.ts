/**
 * Makes plain text of what our own pages are written in: paragraphs, tables of two columns, links.
 * @param page the name of the page, for links to itself
 * @param width of a line, in characters
 */
export function plainText(markdown: string, page: string, width: number): string {
  return markdown
    .split(/\n{2,}/)
    .map((block) => withoutMarks(block, page))
    .map((block) => (block.startsWith('|') ? table(block, width) : wrap(block.replaceAll('\n', ' '), width)))
    .join('\n\n')
}

/** Code stays in its quotes: what is a key and what is a word would be hard to tell. */
function withoutMarks(text: string, page: string): string {
  return text
    .replaceAll('**', '')
    .replace(/\[([^\]]+)\]\(#[^)]+\)/g, '$1')
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words: string, target: string) => `${words} (${addressOf(target, page)})`)
}

function addressOf(target: string, page: string): string {
  return target.includes('://') ? target : `${page.replace(/[^/]*$/, '')}${target}`
}

function table(block: string, width: number): string {
  const [, , ...rows] = block.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return rows
    .map(([, first = '', second = '']) => `  ${wrap(`${first}: ${second}`, width - 4).replaceAll('\n', '\n    ')}`)
    .join('\n')
}

function wrap(text: string, width: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}
