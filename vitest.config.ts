import { defineConfig } from 'vitest/config'

/** They measure the memory of their process, or stop the clock that all of it goes by: it has to be their own. */
const alone = [
  'test/attacks/endless-answers.test.ts',
  'test/proxy/streaming.test.ts',
  'test/proxy/upstream-tls.test.ts',
  'test/proxy/watchdog.test.ts',
  'test/simulator/api-faults.test.ts',
  'test/tokens/identity-memory.test.ts',
]

export default defineConfig({
  test: {
    // Sockets and timers are real: a hung exchange must fail with its name, not with the whole run.
    testTimeout: 15_000,
    hookTimeout: 15_000,
    // Two cores, shared and noisy: more workers than cores only makes timing worse.
    maxWorkers: 2,
    reporters: process.env['CI'] === 'true' ? ['default', ['json', { outputFile: 'test-results.json' }]] : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          // What a test changes it changes back; a process and a compiler that are cold for each file take as long as the tests.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
})
