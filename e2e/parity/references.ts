import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { expect } from '@playwright/test';

import { cosine, type Report } from '../support/engine.ts';

type Reference = { text: string; vector: number[] };

/** Made by `inference/scripts/make_minilm_references.py` with an independent implementation. */
export const references = JSON.parse(readFileSync(
  resolve(import.meta.dirname, '../../inference/tests/fixtures/minilm_references.json'), 'utf8')) as Reference[];

/** Every vector of the report against its reference: ENGINE's bound for embeddings. */
export function expectParity(report: Report, expected: Reference[]): void {
  const vectors = report.jobs.flatMap((job) => job.vectors);
  expect(vectors.length).toBe(expected.length);
  expected.forEach(({ text, vector }, index) => {
    expect(cosine(vectors[index]!, vector), text.slice(0, 60)).toBeGreaterThanOrEqual(0.9999);
  });
}
