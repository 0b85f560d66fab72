import { embed } from '../support/engine.ts';
import { expect, test } from '../support/fixtures.ts';
import { expectParity, references } from './references.ts';

// Short sentences together, so that the slow software adapter computes little padding.
test('embeddings computed on WebGPU in the browser equal the references', async ({ page, modelRealm, pageErrors }) => {
  const report = await embed(page, modelRealm.origin, 'gpu', references.map(({ text }) => [text]));
  expect(report.ready.backend).toBe('gpu');
  expect(report.jobs.every((job) => job.backend === 'gpu')).toBe(true);
  expectParity(report, references);
  expect(pageErrors).toEqual([]);
});

test('a software adapter is left alone unless somebody asks for it', async ({ page, modelRealm }) => {
  const report = await embed(page, modelRealm.origin, 'auto', [['a single sentence']]);
  expect(report.ready.backend).toBe('cpu');
});
