import { expect, test } from '@playwright/test';

import { Files, hashOf, present } from '../support/files.ts';
import { answers, CHAT, firmest, references, texts } from './generate.ts';

test.describe('a language model on the CPU in the browser', () => {
  test.skip(!present(hashOf(CHAT)), `${CHAT} is not here; cargo xtask models ${CHAT} fetches it`);
  test.setTimeout(300_000);

  test('answers begin as those of llama.cpp', async ({ page }) => {
    const files = await Files.serve();
    try {
      const chosen = firmest(2, 8);
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
