import { test } from '@playwright/test';

import { Files, hashOf } from '../support/files.ts';
import { line } from './line.ts';

type Usage = { prompt_tokens: number; answer_tokens: number; first_token_ms: number; rest_ms: number; page_first_ms: number };
type Theirs = { first_ms: number; whole_ms: number; timings?: { prompt_n?: number; prompt_per_second?: number; predicted_per_second?: number } };
type Report = {
  load: Record<string, number>;
  memory: Record<string, number>;
  ours: Usage[];
  theirs: Theirs[];
  their_load_ms?: number;
  longest_ms: number;
};

const model = process.env.MTOR_BENCH_MODEL ?? 'qwen2.5-coder-0.5b-instruct';
const rounds = Number(process.env.MTOR_BENCH_ROUNDS ?? 3);
const backends = (process.env.MTOR_BENCH_BACKENDS ?? 'cpu').split(',');
const answer = 24;

for (const backend of backends) {
  test(`a language model in the browser on the ${backend}`, async ({ page }) => {
    const files = await Files.serve();
    try {
      await page.goto(files.origin);
      const report = await page.evaluate(async (options) => {
        const path = '/bench/generate.js';
        const { run } = await import(path) as { run: (options: object) => Promise<unknown> };
        return run(options);
      }, { backend, model, sha256: hashOf(model), answer, rounds, wllama: backend === 'cpu' }) as Report;

      const note = (variant: string, unit: string, samples: number[]) => line('generate', `${model}/browser-${backend}/${variant}`, unit, samples);
      for (const [phase, ms] of Object.entries(report.load)) note(`load ${phase.replace(/_ms$/, '')}`, 'ms', [ms]);
      for (const [when, bytes] of Object.entries(report.memory)) note(`memory ${when}`, 'MB', [bytes / 1e6]);
      note(`prefill ${report.ours[0]?.prompt_tokens} tokens`, 'tok/s', report.ours.map((usage) => usage.prompt_tokens * 1e3 / usage.first_token_ms));
      note('first token', 'ms', report.ours.map((usage) => usage.page_first_ms));
      note(`decode ${answer} tokens`, 'tok/s', report.ours.map((usage) => (usage.answer_tokens - 1) * 1e3 / usage.rest_ms));
      note('longest task of the page', 'ms', [report.longest_ms]);
      if (report.theirs.length > 0) {
        const tokens = report.ours[0]?.prompt_tokens ?? NaN;
        note('wllama load', 'ms', [report.their_load_ms ?? NaN]);
        note('wllama prefill', 'tok/s', report.theirs.map(({ first_ms }) => tokens * 1e3 / first_ms));
        note('wllama first token', 'ms', report.theirs.map(({ first_ms }) => first_ms));
        note('wllama decode', 'tok/s', report.theirs.map(({ first_ms, whole_ms }) => (answer - 1) * 1e3 / (whole_ms - first_ms)));
      }
    } finally {
      await files.close();
    }
  });
}
