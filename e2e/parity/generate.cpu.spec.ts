import { expect, test } from '@playwright/test';

import { Files, hashOf, json, present } from '../support/files.ts';
import { answers, CHAT, references } from './generate.ts';

const texts = json<string[]>('inference/tests/fixtures/qwen_texts.json');

test.describe('a language model on the CPU in the browser', () => {
  test.skip(!present(hashOf(CHAT)), `${CHAT} is not here; cargo xtask models ${CHAT} fetches it`);
  test.setTimeout(300_000);

  test('answers begin as those of llama.cpp', async ({ page }) => {
    const files = await Files.serve();
    try {
      // Two prompts whose answers never come near a tie.
      const chosen = references.map((_, index) => index)
        .sort((a, b) => Math.min(...references[b]!.gaps.slice(0, 8)) - Math.min(...references[a]!.gaps.slice(0, 8)))
        .slice(0, 2);
      const got = await answers(page, files.origin, 'cpu', chosen.map((index) => references[index]!.ids), 8);
      for (const [at, index] of chosen.entries()) {
        // A character that eight tokens leave incomplete is held back.
        expect(got[at]!.length).toBeGreaterThan(8);
        expect(texts[index]!.slice(0, got[at]!.length)).toBe(got[at]);
      }
    } finally {
      await files.close();
    }
  });
});
