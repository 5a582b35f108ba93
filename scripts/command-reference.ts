import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { commandNames, commands } from '../src/cli/commands.ts'
import { commandHelp, generalHelp } from '../src/cli/help.ts'

/** Where the reference of the command line is kept. */
export const commandsFile = join(import.meta.dirname, '../docs/command-line.md')

/** Writes the reference of the command line: what `bearerd --help` and `bearerd COMMAND --help` print. */
export async function commandsPage(): Promise<string> {
  const list = commandNames.map((name) => `[\`${name}\`](#${name})`).join(', ')
  const sections = await Promise.all(commandNames.map(sectionOf))
  return [intro, list, textBlock(generalHelp()), ...sections].join('\n\n') + '\n'
}

const intro = `<!-- Made from src/cli/commands.ts and the help of each command: node scripts/command-reference.ts --write -->
# Command line

What \`bearerd --help\` and \`bearerd COMMAND --help\` print. In a checkout \`npm run bearerd --\` stands for \`bearerd\`. [Signals and exit
codes](running.md#signals-and-exit-codes) are told elsewhere.`

async function sectionOf(name: string): Promise<string> {
  const command = await commands[name]?.load()
  if (command === undefined) throw new Error(`there is no command ${name}`)
  return `## ${name}\n\n${textBlock(commandHelp(command))}`
}

function textBlock(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const page = await commandsPage()
  if (process.argv.includes('--write')) writeFileSync(commandsFile, page)
  else process.stdout.write(page)
}
