import { defineConfig } from '@playwright/test';

import { launch, softwareGpu } from './support/browser.ts';

// WebGPU is there only where a project asks for it: the other project is the test of what happens without.
export default defineConfig({
  testDir: '.',
  outputDir: 'test-results',
  // Two cores: one browser at a time, the rest is for the realm and the engine.
  workers: 1,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: { browserName: 'chromium', trace: 'retain-on-failure', viewport: { width: 1280, height: 800 } },
  projects: [
    {
      name: 'cpu',
      testMatch: ['journeys/**/*.spec.ts', 'parity/cpu.spec.ts', 'parity/generate.cpu.spec.ts', 'engine/*.spec.ts'],
      use: { launchOptions: launch() },
    },
    {
      name: 'webgpu',
      testMatch: ['parity/webgpu.spec.ts', 'parity/generate.webgpu.spec.ts'],
      timeout: 900_000,
      use: { launchOptions: launch(softwareGpu) },
    },
  ],
});
