import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commandNames, commands } from '../../src/cli/commands.ts'
import { runHere } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'

const shells = ['bash', 'zsh', 'fish'] as const

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runHere(['completion', shell])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

function hasShell(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0
}

describe('completion', () => {
  it.each(shells)('for %s has every command that people run, and every option of each', async (shell) => {
    const script = await scriptFor(shell)
    expect(commandNames.length).toBeGreaterThan(8)
    for (const name of commandNames) {
      expect(script).toMatch(new RegExp(`\\b${name}\\b`))
      const { options } = (await commands[name]?.load()) ?? { options: {} }
      for (const option of Object.keys(options)) expect(script).toMatch(new RegExp(`(--|-l )${option}\\b`))
    }
    expect(script).not.toContain('worker')
  })

  it.each(shells.filter(hasShell))('for %s is a script that the shell can read', async (shell) => {
    const { status, stderr } = spawnSync(shell, ['-n', scratch().write('script', await scriptFor(shell))], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('for zsh and fish says what each thing is for, in one word of the shell', async () => {
    const [zsh, fish] = [await scriptFor('zsh'), await scriptFor('fish')]
    expect(zsh).toContain("'login:ask a person'\\''s consent once, and keep the refresh token it gives'")
    expect(zsh).toContain(
      "'(-c --config)'{-c+,--config=}'[the configuration; else BEARERD_CONFIG, else ./proxy.config.yaml]:FILE:_files'",
    )
    expect(zsh).toContain("'--timeout=[how long to wait for the answer (default 5m)]:DURATION: '")
    expect(zsh).toContain("'1:argument:(bash zsh fish)'")
    expect(zsh).toContain("'*:argument:(adobe-ims ")
    expect(fish).toContain("test (count (commandline -opc)) -ge 2' -a 'adobe-ims ")
    expect(fish).toContain("-a login -d 'ask a person\\'s consent once, and keep the refresh token it gives'")
    expect(fish).toContain("-n '__fish_seen_subcommand_from check' -s c -l config -r -F -d 'the configuration;")
    expect(fish).toContain("test (count (commandline -opc)) -eq 2' -a 'bash zsh fish'")
  })
})

describe.skipIf(!hasShell('bash'))('completion in bash', () => {
  /** What bash would offer for the last of the words. */
  async function offers(...words: readonly string[]): Promise<string[]> {
    const file = scratch().write('script', await scriptFor('bash'))
    const program = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bearerd; printf "%s\\n" "${COMPREPLY[@]}"'
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-uc', program, 'bash', file, 'bearerd', ...words], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    return stdout.split('\n').filter((line) => line !== '')
  }

  it('completes commands, options and arguments', async () => {
    expect(await offers('')).toEqual(commandNames)
    expect(await offers('ch')).toEqual(['check'])
    expect(await offers('check', '-')).toEqual(['-c', '--config', '--online', '--timeout', '--json', '-h', '--help'])
    expect(await offers('doctor', 'gett', '--t')).toEqual(['--timeout'])
    expect(await offers('check', '--json', '--c')).toEqual(['--config'])
    expect(await offers('--')).toEqual(['--config', '--help'])
    expect(await offers('completion', '')).toEqual(['bash', 'zsh', 'fish'])
    expect(await offers('explain', 'P')).toEqual(['POST', 'PUT', 'PATCH'])
    expect(await offers('explain', '-c', 'P', 'DE')).toEqual(['DELETE'])
    for (const before of [[], ['gett'], ['gett', 'uber', '--force']])
      expect(await offers('init', ...before, 'ge')).toEqual(['getbill', 'getnet', 'gett'])
  })

  it('leaves to bash what it cannot know: names of files, and what is not a command', async () => {
    for (const words of [
      ['check', '-c', ''],
      ['check', '--config', 'ch'],
      ['-c', ''],
      ['explain', 'GET', ''],
      ['explain', '--host', ''],
      ['login', ''],
      ['nothing', ''],
      ['nothing', '--'],
    ])
      expect(await offers(...words), words.join(' ')).toEqual([])
  })
})
