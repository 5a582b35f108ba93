import { describe, expect, it } from 'vitest'
import { newestVersion, releaseFacts, releaseProblems } from '../../scripts/check-release.ts'
import { breaksOf, publicInterface, recordedInterface } from '../../scripts/public-interface.ts'
import { apiGateway } from '../support/cli-admin-gateway.ts'

describe('what people build on', () => {
  it('is still all there', async () => {
    expect(breaksOf(recordedInterface(), await publicInterface())).toEqual([])
  })

  it('is recorded whole: keys, words, defaults, presets, commands, codes, metrics, fields', async () => {
    const { parts } = await publicInterface()
    const lines = Object.values(parts).flat()
    for (const line of [
      'credentials.NAME.token_request.assertion.alg',
      'credentials.NAME.token_endpoint_auth_method: private_key_jwt',
      'token_store.redis.encryption_key',
      'routes[].timeouts.connect = "5s"',
      'gett',
      'serve --config -c',
      'token_unavailable 503',
      'login_required',
      'unknown_key',
      'gauge bearerd_token_expiry_timestamp_seconds{credential}',
      'bearerd_token_requests_total refused',
      'upstream_ms',
    ])
      expect(lines).toContain(line)
  })

  it.each([
    ['a key', 'configuration keys, their words and defaults', 'routes[].upstream'],
    ['a metric', 'metrics and labels', 'counter bearerd_http_requests_total{route,method,code}'],
    ['an error code', 'error codes', 'no_route 404'],
    ['a code of a problem', 'codes of configuration problems', 'no_effect'],
  ])('is missed when %s is gone, and nothing else is', async (_, part, line) => {
    const current = await publicInterface()
    const without = { ...current.parts, [part]: (current.parts[part] ?? []).filter((each) => each !== line) }
    expect(breaksOf(current, { ...current, parts: without })).toEqual([
      `this is a breaking change: ${current.version} has "${line}" among its ${part}; keep it, or see docs/releases.md for how to change it`,
    ])
    expect(breaksOf({ ...current, parts: without }, current)).toEqual([])
  })

  it('includes the paths of the admin interface', async () => {
    const { gateway } = await apiGateway()
    const statuses = ['/livez', '/healthz', '/readyz', '/metrics', '/status', '/'].map(
      async (path) => (await fetch(gateway.adminUrl + path)).status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200, 200, 200])
    const renewal = await fetch(`${gateway.adminUrl}/credentials/main/renew`, { method: 'POST' })
    expect(renewal.status).toBe(200)
    expect((await fetch(`${gateway.adminUrl}/reload`, { method: 'POST' })).status).not.toBe(404)
  })
})

describe('a release', () => {
  it('has the version that the changes begin with', async () => {
    const { version, lockedVersion, changes } = await releaseFacts()
    expect(lockedVersion).toBe(version)
    expect([version, 'Unreleased']).toContain(newestVersion(changes)?.version)
  })

  it('waits for its changes, their date, the lock file and the record', async () => {
    const current = await publicInterface()
    const facts = {
      version: '1.2.0',
      lockedVersion: '1.2.0',
      changes: '# Changes\n\n## 1.2.0 (2026-03-01)\n\n## 1.1.0 (2026-01-01)\n',
      recorded: { ...current, version: '1.2.0' },
      current,
    }
    expect(releaseProblems(facts)).toEqual([])
    expect(releaseProblems({ ...facts, version: '1.3.0' })).toHaveLength(3)
    expect(releaseProblems({ ...facts, changes: '# Changes\n\n## 1.2.0 (not released)\n' })).toEqual([
      'CHANGELOG.md has no date for its newest version; write "## 1.2.0 (YYYY-MM-DD)"',
    ])
    const older = { ...current.parts, 'error codes': [] }
    expect(releaseProblems({ ...facts, recorded: { version: '1.2.0', parts: older } })).toEqual([
      'the record of the interface is not that of this version; run npm run record-interface',
    ])
  })
})
