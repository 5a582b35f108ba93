/** Says what is missing before `npm publish` may make a release; docs/releases.md has the steps. npm runs it by itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { publicInterface, recordedInterface } from './public-interface.ts'
import type { PublicInterface } from './public-interface.ts'

/** What a release is judged by. */
export interface ReleaseFacts {
  /** Of package.json. */
  readonly version: string
  /** Of package-lock.json. */
  readonly lockedVersion: string
  /** The text of CHANGELOG.md. */
  readonly changes: string
  readonly recorded: PublicInterface
  readonly current: PublicInterface
}

/** @returns what has to be done first; nothing when it can be released */
export function releaseProblems({ version, lockedVersion, changes, recorded, current }: ReleaseFacts): string[] {
  const newest = newestVersion(changes)
  const isRecorded = recorded.version === version && isDeepStrictEqual(recorded.parts, current.parts)
  return [
    ...(newest?.version === version ? [] : [`CHANGELOG.md does not begin with ${version}; write what has changed`]),
    ...(newest?.date === undefined
      ? [`CHANGELOG.md has no date for its newest version; write "## ${version} (YYYY-MM-DD)"`]
      : []),
    ...(lockedVersion === version ? [] : ['package-lock.json has another version; run npm install --package-lock-only']),
    ...(isRecorded ? [] : ['the record of the interface is not that of this version; run npm run record-interface']),
  ]
}

/** The first version that the changes tell of; without a date it is not released yet. */
export function newestVersion(changes: string): { readonly version: string; readonly date: string | undefined } | undefined {
  const [, version, note = ''] = /^## (\S+)(?: \(([^)]*)\))?$/m.exec(changes) ?? []
  return version === undefined ? undefined : { version, date: /^\d{4}-\d{2}-\d{2}$/.exec(note)?.[0] }
}

/** The facts of the checkout. */
export async function releaseFacts(): Promise<ReleaseFacts> {
  const textOf = (name: string): string => readFileSync(join(import.meta.dirname, '..', name), 'utf8')
  const versionOf = (name: string): string => (JSON.parse(textOf(name)) as { version: string }).version
  return {
    version: versionOf('package.json'),
    lockedVersion: versionOf('package-lock.json'),
    changes: textOf('CHANGELOG.md'),
    recorded: recordedInterface(),
    current: await publicInterface(),
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = releaseProblems(await releaseFacts())
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}
