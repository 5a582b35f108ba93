import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Sockets and timers are real: a hung exchange must fail with its name, not with the whole run.
    testTimeout: 15_000,
    hookTimeout: 15_000,
    // Two cores, shared and noisy: more workers than cores only makes timing worse.
    maxWorkers: 2,
    reporters: process.env['CI'] === 'true' ? ['default', ['json', { outputFile: 'test-results.json' }]] : ['default'],
  },
})
