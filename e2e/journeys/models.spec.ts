import { fakeEngine } from '../support/fake-engine.ts';
import { expect, test } from '../support/fixtures.ts';
import { Shell } from '../support/shell.ts';

const qwen = { name: 'Qwen2.5 Coder 0.5B' };

test('a model is measured for, downloaded, freed, deleted and kept', async ({ page, plainRealm, pageErrors }) => {
  await fakeEngine(page);
  await page.goto(`${plainRealm.origin}/#/models`);
  const card = page.getByRole('region', qwen);
  await expect(card).toContainText('491.4 MB');
  await expect(card).toContainText('Apache-2.0');
  await page.getByRole('button', { name: /See what this machine can run/ }).click();
  await expect(card).toContainText('Expect about 5.5 tokens a second on the CPU');
  await card.getByRole('button', { name: 'Download 491.4 MB' }).click();
  await expect(card).toContainText('in memory');
  await card.getByRole('button', { name: 'Free the memory' }).click();
  await expect(card).toContainText('On this device: 491.4 MB');
  await card.getByRole('button', { name: 'Delete' }).click();
  await expect(card).toContainText('Goes in a moment');
  await page.getByRole('button', { name: 'Keep it', exact: true }).click();
  await expect(card).toContainText('On this device: 491.4 MB');
  expect(pageErrors).toEqual([]);
});

test('a download is paused, and goes on from there', async ({ page, plainRealm }) => {
  await fakeEngine(page, { downloadStopsAt: 0.4 });
  await page.goto(`${plainRealm.origin}/#/models`);
  const card = page.getByRole('region', qwen);
  await card.getByRole('button', { name: 'Download 491.4 MB' }).click();
  await card.getByRole('button', { name: 'Pause' }).click();
  await expect(card).toContainText('of 491.4 MB are here');
  await expect(card.getByRole('button', { name: 'Resume' })).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 900 }, narrow: { width: 360, height: 740 } })) {
    test(`models are usable and accessible: ${scheme}, ${name}`, async ({ page, plainRealm }, info) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await fakeEngine(page, { stored: true });
      const shell = new Shell(page, plainRealm.origin);
      await page.goto(`${plainRealm.origin}/#/models`);
      await page.getByRole('button', { name: /See what this machine can run/ }).click();
      await expect(page.getByRole('region', qwen)).toContainText('Expect about');
      await shell.expectAccessible();
      await shell.expectNoSidewaysScroll();
      await page.screenshot({ path: info.outputPath('models.png'), fullPage: true });
    });
  }
}
