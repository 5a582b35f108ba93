import { fork } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import type { Config } from '../../src/config/config.ts'
import { isSocketFile } from '../../src/config/schema/listen.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { WorkerProblemsError } from '../../src/workers/data-path.ts'
import { WorkerPool } from '../../src/workers/worker-pool.ts'
import { projectRoot } from '../support/cli-process.ts'
import { identitiesUnderTest } from '../support/identity-sources.ts'
import { answerJson, httpServer } from '../support/servers.ts'

test('what one worker cannot prepare is taken into use by none', async () => {
  const upstream = await httpServer((_request, response) => answerJson(response, {}))
  const configWith = (path: string, text = upstream.url): Config =>
    parseConfig('f.yaml', stringify({ listen: '127.0.0.1:0', workers: 2, routes: [{ path, upstream: text }] }), {
      UPSTREAM: upstream.url,
    })
  // The second one does not have a variable that the first one and this process have.
  const environments = [{ UPSTREAM: upstream.url }, {}]
  const pool = new WorkerPool({
    config: configWith('/a'),
    fork: () =>
      fork(join(projectRoot, 'bin/bearerd.js'), ['worker'], {
        env: { PATH: process.env['PATH'], ...environments.shift() },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      }),
    tokens: identitiesUnderTest().tokens,
    metrics: new Metrics('0.0.0-test'),
    log: createLog({ write: () => {} }),
  })
  const address = await pool.open()
  onTestFinished(async () => await pool.close(1_000))
  if (isSocketFile(address)) throw new Error('not what was asked for')
  const statusesOf = async (path: string): Promise<readonly number[]> =>
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const answer = await fetch(`http://127.0.0.1:${address.port}${path}`, { headers: { connection: 'close' } })
        return answer.status
      }),
    )

  expect(await statusesOf('/a')).toEqual([200, 200, 200, 200])
  const refused = pool.prepare(configWith('/b', '${UPSTREAM}'))
  await expect(refused).rejects.toThrow(WorkerProblemsError)
  await expect(refused).rejects.toThrow(/the environment variable UPSTREAM is not set/)
  expect([...(await statusesOf('/a')), ...(await statusesOf('/b'))]).toEqual([200, 200, 200, 200, 404, 404, 404, 404])

  const { abandon } = await pool.prepare(configWith('/c'))
  abandon()
  const { commit } = await pool.prepare(configWith('/d'))
  await commit()
  expect([...(await statusesOf('/d')), ...(await statusesOf('/c'))]).toEqual([200, 200, 200, 200, 404, 404, 404, 404])
})
