import { test } from '@playwright/test';

import { answers, references } from '../parity/generate.ts';
import { Files, json } from '../support/files.ts';
import { line } from './line.ts';

const texts = json<string[]>('inference/tests/fixtures/qwen_texts.json');
const backend = process.env.MTOR_BENCH_BACKENDS ?? 'cpu';

test(`greedy answers beside llama.cpp's on the ${backend}`, async ({ page }) => {
  const files = await Files.serve();
  try {
    const got = await answers(page, files.origin, backend, references.map(({ ids }) => ids), 24);
    const equal = got.map((text, index) => Number(text.trimEnd() === texts[index]!.trimEnd()));
    got.forEach((text, index) => {
      if (!equal[index]) console.log(JSON.stringify({ prompt: index, got: text, want: texts[index], least_gap: Math.min(...references[index]!.gaps) }));
    });
    line('parity', `browser-${backend} prompts of 12 whose 24 tokens are equal`, 'prompts', [equal.reduce((sum, one) => sum + one, 0)]);
  } finally {
    await files.close();
  }
});
