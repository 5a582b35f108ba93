import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../support/cli-process.ts'
import { contextNames, dockerfileText, pairsOf, stagesOf, valuesOf } from '../support/dockerfile.ts'

const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  version: string
  license: string
  devDependencies: Record<string, string>
}
const stages = stagesOf(dockerfileText)
const [build = noStage(), image = noStage()] = stages

describe('the Dockerfile', () => {
  it('is clean to a linter, which finds what is wrong', () => {
    expect(validate(dockerfileText)).toEqual([])
    expect(validate('FROM a\nEXPOSE all\nWORKDIR here\n')).toHaveLength(2)
  })

  it('builds with exactly the Node.js of the checkout, and ships nothing else of that image', () => {
    expect(stages.map(({ base }) => base)).toEqual([`node:${manifest.devDependencies['node']}-trixie-slim`, 'scratch'])
    expect(valuesOf(image, 'COPY')).toEqual(['--from=build /build/image/ /'])
  })

  it('says the version that the package has, and its licence', () => {
    expect(valuesOf(image, 'ARG')).toEqual([`VERSION=${manifest.version}`])
    expect(pairsOf(valuesOf(image, 'LABEL'))).toMatchObject({
      'org.opencontainers.image.version': '$VERSION',
      'org.opencontainers.image.licenses': manifest.license,
    })
  })

  it('runs as a user by number, starts without a shell, and names no secret', () => {
    expect(valuesOf(image, 'USER')).toEqual(['65532:65532'])
    expect(valuesOf(image, 'ENTRYPOINT').map((value) => JSON.parse(value) as unknown)).toEqual([['bearerd']])
    expect(valuesOf(image, 'CMD').map((value) => JSON.parse(value) as unknown)).toEqual([['serve']])
    expect(valuesOf(image, 'HEALTHCHECK')).toEqual([expect.stringMatching(/ CMD \["bearerd", "healthcheck"\]$/)])
    expect(valuesOf(image, 'STOPSIGNAL')).toEqual(['SIGTERM'])
    const named = stages.flatMap((stage) => [...valuesOf(stage, 'ARG'), ...valuesOf(stage, 'ENV')]).join(' ')
    expect(named).not.toMatch(/secret|token|password|key/i)
  })

  it('copies what exists and is not ignored, and neither the tests nor a .env get into the build', () => {
    expect(contextNames.filter((name) => !existsSync(join(projectRoot, name)))).toEqual([])
    const copied = valuesOf(build, 'COPY').flatMap((value) => value.split(' ').slice(0, -1))
    expect(copied.filter((name) => name !== '.' && !contextNames.includes(name))).toEqual([])
    for (const name of ['.env', '.git', 'node_modules', 'dist', 'test']) expect(contextNames).not.toContain(name)
  })

  it('installs what package-lock.json says, without running any of it', () => {
    expect(valuesOf(build, 'RUN')[0]).toBe('npm ci --ignore-scripts')
  })
})

function noStage(): never {
  throw new Error('the Dockerfile has two stages')
}
