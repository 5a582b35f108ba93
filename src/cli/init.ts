import { dirname, join } from 'node:path'
import { configJsonSchema } from '../config/config-schema.ts'
import { presetNames, readPreset } from '../config/presets.ts'
import { suggest } from '../config/problem.ts'
import { UsageError } from './command.ts'
import type { Command, CommandContext } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { askProviders, askUpstream } from './init/ask-providers.ts'
import { configFileText, schemaFileName } from './init/config-file-text.ts'
import { checkedText } from './init/checked-text.ts'
import { planForCall, planForPreset } from './init/credential-plan.ts'
import type { CredentialPlan, PlanWishes } from './init/credential-plan.ts'
import { readCurl } from './init/curl-call.ts'
import { nextSteps } from './init/next-steps.ts'
import { openQuestions } from './init/questions.ts'
import type { Questions } from './init/questions.ts'
import { readInput } from './init/read-input.ts'
import { writeSchemaBeside } from './init/schema-file.ts'
import { refuseToOverwrite, writeNewFile } from './init/write-new-file.ts'

/** What the making of a configuration takes from outside. */
export interface InitParts {
  /** Undefined when nobody can be asked. */
  readonly openQuestions: () => Questions | undefined
  /** The standard input to its end. */
  readonly readInput: () => Promise<string>
}

/** Makes `bearerd init`. */
export function initCommand(parts: InitParts): Command {
  return {
    name: 'init',
    usage: "bearerd init [PROVIDER...] [--from-curl 'curl ...'|-] [--upstream URL] [--path PATH] [-c FILE] [--stdout] [--force]",
    options: {
      ...configOption,
      'from-curl': {
        type: 'string',
        value: 'CALL',
        help: 'make a recipe of a call that asks for a token; - reads it from standard input',
      },
      upstream: { type: 'string', value: 'URL', help: 'the base URL of the API' },
      path: { type: 'string', value: 'PATH', help: 'the path of the route (default /NAME)' },
      stdout: { type: 'boolean', help: 'print the configuration, and write no file' },
      force: { type: 'boolean', help: 'overwrite a file that is there' },
    },
    details: `Writes a commented configuration: for providers with a preset (bearerd providers lists them), or for any other from the call of
curl that its documentation shows. On a terminal, and with nothing said, it asks. Secrets are never written: they become variables of
the environment, and what is left to do is said at the end.

  bearerd init gett uber
  bearerd init --from-curl - --upstream https://api.example.com < call.txt
  bearerd init --from-curl 'curl -u "$ID:$SECRET" -d grant_type=client_credentials https://auth.example.com/token'
  bearerd init spotify --stdout

A call with real secrets in it belongs on standard input: the arguments of a command can be seen by others on the machine, and the shell
keeps them. A part that stands for something, as $CLIENT_ID, <client-id>, {client_id} or YOUR_CLIENT_ID, becomes a variable as well.`,
    completes: () => [presetNames()],
    repeatsLast: true,
    run: async (context) => {
      const isPrinted = context.values['stdout'] === true
      const isForced = context.values['force'] === true
      const file = configFileOf(context)
      if (!isPrinted) refuseToOverwrite(file, isForced)
      const plans = await plansFor(context, parts)
      const text = checkedText(configFileText(plans), file)
      if (isPrinted) context.stdout(text.trimEnd())
      else {
        writeNewFile(file, text, isForced)
        context.stderr(`wrote ${file}`)
        const schema = `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`
        writeSchemaBeside(join(dirname(file), schemaFileName), schema, context.stderr)
      }
      for (const line of nextSteps(plans, text, isPrinted ? undefined : file, context)) context.stderr(line)
      return 0
    },
  }
}

async function plansFor(context: CommandContext, parts: InitParts): Promise<CredentialPlan[]> {
  const { values, positionals, stderr } = context
  const call = values['from-curl']
  const wishes: PlanWishes = {
    ...(typeof values['upstream'] === 'string' && { upstream: values['upstream'] }),
    ...(typeof values['path'] === 'string' && { path: `/${values['path'].replace(/^\/+|\/+$/g, '')}` }),
  }
  if (typeof call === 'string') {
    if (positionals.length > 0)
      throw new UsageError('say either a PROVIDER or --from-curl; the whole call is one argument, in quotes')
    return [await planFromCurl(call, wishes, stderr, parts)]
  }
  const names = [...new Set(positionals)]
  if (names.length !== 1 && Object.keys(wishes).length > 0)
    throw new UsageError('--upstream and --path are about one route; say one PROVIDER, or --from-curl')
  if (names.length > 0) return names.map((name) => planForPreset(presetNamed(name), wishes))

  const questions = parts.openQuestions()
  if (questions === undefined)
    throw new UsageError(
      'say for which PROVIDER (bearerd providers lists them), or --from-curl with a call that asks for a token; without a terminal nobody can be asked',
    )
  try {
    return (await askProviders(questions, stderr)).map(({ preset, wishes }) => planForPreset(preset, wishes))
  } finally {
    questions.end()
  }
}

async function planFromCurl(
  call: string,
  wishes: PlanWishes,
  stderr: (line: string) => void,
  parts: InitParts,
): Promise<CredentialPlan> {
  const curl = readCurl(call === '-' ? await parts.readInput() : call)
  const plan = planForCall(curl, wishes)
  const questions = plan.isUpstreamGuessed && call !== '-' ? parts.openQuestions() : undefined
  if (questions === undefined) return plan
  try {
    const upstream = await askUpstream(plan.name, plan.upstream, questions, stderr)
    return planForCall(curl, { ...wishes, upstream })
  } finally {
    questions.end()
  }
}

function presetNamed(name: string): ReturnType<typeof readPreset> {
  if (presetNames().includes(name)) return readPreset(name)
  // What is no name may be a part of a call that lost its quotes.
  const shown = /^[A-Za-z][\w-]{0,40}$/.test(name) ? ` ${JSON.stringify(name)}` : ''
  throw new UsageError(
    `there is no preset${shown === '' ? ' of this name' : shown}; ${suggest(name, presetNames())} For another provider: --from-curl`,
  )
}

/** `bearerd init` */
export const init: Command = initCommand({
  openQuestions,
  readInput: async () => {
    if (process.stdin.isTTY) process.stderr.write('Paste the call, then a line end and Ctrl-D:\n')
    return await readInput(process.stdin)
  },
})
