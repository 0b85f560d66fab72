import { test } from '@playwright/test';

import { Files } from '../support/files.ts';
import { line } from './line.ts';

const model = process.env.MTOR_BENCH_MODEL ?? 'qwen2.5-coder-0.5b-instruct';
const backend = (process.env.MTOR_BENCH_BACKENDS ?? 'cpu').split(',')[0]!;
const turns = Number(process.env.MTOR_BENCH_TURNS ?? 50);
const loads = Number(process.env.MTOR_BENCH_LOADS ?? 20);

test('wasm memory over a long conversation, and over loads of a model', async ({ page }) => {
  const files = await Files.serve();
  try {
    await page.goto(files.origin);
    const report = await page.evaluate(async (options) => {
      const path = '/bench/memory.js';
      const { run } = await import(path) as { run: (options: object) => Promise<unknown> };
      return run(options);
    }, { backend, model, turns, loads }) as { empty: number; turns: number[]; loads: number[]; dropped: number };
    const note = (variant: string, bytes: number | undefined) =>
      line('memory', `${model}/browser-${backend}/${variant}`, 'MB', [(bytes ?? NaN) / 1e6]);
    note('empty', report.empty);
    for (const turn of [1, 10, 25, turns]) note(`turn ${turn}`, report.turns[turn - 1]);
    for (const load of [1, 2, 10, loads]) note(`load ${load}`, report.loads[load - 1]);
  } finally {
    await files.close();
  }
});
