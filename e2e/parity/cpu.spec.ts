import { embed } from '../support/engine.ts';
import { expect, test } from '../support/fixtures.ts';
import { expectParity, references } from './references.ts';

test('embeddings computed on the CPU in the browser equal the references', async ({ page, modelRealm }) => {
  const report = await embed(page, modelRealm.origin, 'cpu', [references.map(({ text }) => text)]);
  expect(report.ready.backend).toBe('cpu');
  expectParity(report, references);
});

test('without WebGPU the engine chooses the CPU by itself and says why', async ({ page, modelRealm }) => {
  const report = await embed(page, modelRealm.origin, 'auto', [['a single sentence']]);
  expect(report.ready.backend).toBe('cpu');
  expect(report.ready.reason).toContain('WebGPU');
});
