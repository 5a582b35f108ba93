import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** Data flows one way: each layer imports only from itself and from layers to its left. */
const layers = ['telemetry', 'config', 'network', 'oauth', 'tokens', 'proxy', 'workers', 'token-service', 'admin', 'cli', 'main']

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

function layerOf(file: string): string {
  return file.split(sep)[0]?.replace(/\.ts$/, '') ?? ''
}

function importsOf(file: string): { specifier: string; target: string }[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier = '']) => ({
    specifier,
    target: specifier.startsWith('.') ? relative(src, resolve(src, dirname(file), specifier)) : specifier,
  }))
}

describe('architecture', () => {
  it('reads every source file, so that it cannot pass on nothing', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(new Set(files.map(layerOf))).toEqual(new Set([...layers, 'simulator']))
    expect(files.flatMap(importsOf).length).toBeGreaterThan(300)
  })

  it.each(files)('%s imports only from its own layer and from layers to its left', (file) => {
    const own = layerOf(file)
    const allowed = own === 'simulator' ? ['simulator'] : layers.slice(0, layers.indexOf(own) + 1)
    // The demo and the simulate command are what the simulator is for.
    if (own === 'cli') allowed.push('simulator')
    for (const { specifier, target } of importsOf(file)) {
      if (specifier.startsWith('.')) expect(allowed, `${file} imports ${specifier}`).toContain(layerOf(target))
    }
  })

  it('keeps express in the admin layer, off the data path', () => {
    const users = files.filter((file) => importsOf(file).some(({ specifier }) => specifier === 'express'))
    expect(new Set(users.map(layerOf))).toEqual(new Set(['admin']))
  })

  it('lets the simulator use nothing but the platform', () => {
    const foreign = files
      .filter((file) => layerOf(file) === 'simulator')
      .flatMap(importsOf)
      .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    expect(foreign).toEqual([])
  })

  it('never reads or writes the console, and never weakens TLS or the parser', () => {
    for (const file of files) {
      // A listener asks callers for a certificate, and its caller check judges it: others of the same list prove themselves otherwise.
      const text = readFileSync(join(src, file), 'utf8').replace('requestCert: true, rejectUnauthorized: false', '')
      expect(text, file).not.toMatch(/rejectUnauthorized:\s*false|insecureHTTPParser:\s*true|console\./)
    }
  })
})
