import { defineConfig } from '@playwright/test';

import { launch, softwareGpu } from '../support/browser.ts';

// Benchmarks share the fixtures of the tests and print JSON lines only.
export default defineConfig({
  testDir: '.',
  testMatch: '*.bench.ts',
  outputDir: '../test-results/bench',
  workers: 1,
  timeout: 3_600_000,
  reporter: './reporter.ts',
  use: { browserName: 'chromium', launchOptions: launch(softwareGpu) },
});
