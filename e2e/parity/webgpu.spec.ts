import { embed } from '../support/engine.ts';
import { expect, test } from '../support/fixtures.ts';
import { expectParity, references } from './references.ts';

// The software adapter takes seconds a sentence, so the suite checks a few; `cargo xtask bench embed` checks all of them.
const few = references.filter(({ text }) => text.length > 2).slice(0, 5);

test('embeddings computed on WebGPU in the browser equal the references', async ({ page, modelRealm, pageErrors }) => {
  const report = await embed(page, modelRealm.origin, 'gpu', [few.map(({ text }) => text)]);
  expect(report.ready.backend).toBe('gpu');
  expect(report.jobs.every((job) => job.backend === 'gpu')).toBe(true);
  expectParity(report, few);
  expect(pageErrors).toEqual([]);
});

test('a software adapter is left alone unless somebody asks for it', async ({ page, modelRealm }) => {
  const report = await embed(page, modelRealm.origin, 'auto', [['a single sentence']]);
  expect(report.ready.backend).toBe('cpu');
});
