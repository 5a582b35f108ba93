import type { Command } from './command.ts'

/** One line of the command table. The code of a command is loaded only when it runs: a gateway should not pay for the demo. */
export interface CommandEntry {
  /** Undefined for what nobody runs by hand. */
  readonly summary?: string
  load(): Promise<Command>
}

/** Every command, by name, in the order of --help. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  serve: { summary: 'run the gateway (the default command)', load: async () => (await import('./serve.ts')).serve },
  worker: { load: async () => (await import('./worker.ts')).worker },
  check: { summary: 'check a configuration and say what it means', load: async () => (await import('./check.ts')).check },
  doctor: {
    summary: 'try what a configuration needs: network, certificates, tokens, clocks (check --online)',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  explain: {
    summary: 'say what would become of a request: route, upstream, token, fields',
    load: async () => (await import('./explain.ts')).explain,
  },
  errors: { summary: 'say what an error means and what to do about it', load: async () => (await import('./errors.ts')).errors },
  login: {
    summary: "ask a person's consent once, and keep the refresh token it gives",
    load: async () => (await import('./login.ts')).login,
  },
  token: {
    summary: 'get a token, and say what it is',
    load: async () => (await import('./token.ts')).token,
  },
  init: {
    summary: 'write a configuration: from presets, or from a call of curl that asks for a token',
    load: async () => (await import('./init.ts')).init,
  },
  providers: { summary: 'list the provider presets', load: async () => (await import('./providers.ts')).providers },
  schema: {
    summary: 'print the JSON Schema of the configuration, for editors',
    load: async () => (await import('./schema.ts')).schema,
  },
  simulate: { summary: 'run the simulated providers', load: async () => (await import('./simulate.ts')).simulate },
  demo: {
    summary: 'simulated providers and a gateway in front of them, ready to try',
    load: async () => (await import('./demo.ts')).demo,
  },
  healthcheck: {
    summary: 'ask the gateway of a configuration whether it is ready, for container health checks',
    load: async () => (await import('./healthcheck.ts')).healthcheck,
  },
  completion: {
    summary: 'print a script with which a shell completes commands and options',
    load: async () => (await import('./completion.ts')).completion,
  },
  version: { summary: 'print the version', load: async () => (await import('./version.ts')).version },
}

/** The command that runs when none is named. */
export const defaultCommand = 'serve'

/** The names of those that people run. */
export const commandNames: readonly string[] = Object.entries(commands).flatMap(([name, { summary }]) =>
  summary === undefined ? [] : [name],
)
