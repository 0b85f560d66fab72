import { Shell } from '../support/shell.ts';
import { test } from '../support/fixtures.ts';
import { line } from './line.ts';

type Asset = { name: string; bytes: number };

/** What each visit moves over the wire, headers left out, by the browser's own account. */
const moved = (): Asset[] => performance.getEntriesByType('resource')
  .concat(performance.getEntriesByType('navigation'))
  .map((entry) => entry as PerformanceResourceTiming)
  .map(({ name, encodedBodySize }) => ({ name: new URL(name).pathname, bytes: encodedBodySize }));

test('loading', async ({ browser, modelRealm }) => {
  const figures: Record<string, number[]> = {};
  const note = (name: string, value: number) => (figures[name] ??= []).push(value);
  let assets: Asset[] = [];

  for (let round = 0; round < 5; round += 1) {
    // A context of its own has empty caches and empty storage.
    const context = await browser.newContext();
    const page = await context.newPage();
    for (const visit of ['cold', 'warm'] as const) {
      const shell = new Shell(page, modelRealm.origin);
      const began = performance.now();
      await shell.open();
      note(`time to interactive, ${visit}`, performance.now() - began);
      const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
      note(`first contentful paint, ${visit}`, paint);
      if (visit === 'cold' && round === 0) assets = await page.evaluate(moved);

      const words = `what's the weather in ${visit === 'cold' ? 'Lisbon' : 'Berlin'}`;
      const asked = performance.now();
      const card = await shell.ask(words);
      if (visit === 'cold') await card.button('Always').click();
      await card.expectAnsweredBy('Open-Meteo');
      note(`question to answer, ${visit}`, performance.now() - asked);
      note(`address to first answer, ${visit}`, performance.now() - began);
      await page.getByText('MiniLM on the').waitFor({ timeout: 120_000 });
      note(`address to model ready, ${visit}`, performance.now() - began);
    }
    await context.close();
  }

  for (const [name, samples] of Object.entries(figures)) line('load', name, 'ms', samples);
  for (const { name, bytes } of assets) line('load', `asset ${name}`, 'bytes', [bytes]);
  line('load', 'first view altogether', 'bytes', [assets.reduce((sum, asset) => sum + asset.bytes, 0)]);
});
