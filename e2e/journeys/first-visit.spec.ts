import { Shell } from '../support/shell.ts';
import { expect, test } from '../support/fixtures.ts';

test('a first visit opens on the prompt, with sentences that work at once', async ({ shell, page, pageErrors }) => {
  await shell.open();
  const chips = page.getByRole('list', { name: 'Try one of these' }).getByRole('button');
  await expect(chips).toHaveCount(3);
  await expect(page.getByText('Your words stay on this device unless a card says otherwise')).toBeVisible();
  await chips.first().click();
  const card = shell.card("What's the weather in Lisbon?");
  await card.allow();
  await card.expectAnsweredBy('Open-Meteo');
  await shell.expectAccessible();
  expect(pageErrors).toEqual([]);
});

test('the model arrives in the background, and the next question is understood by it', async ({ page, modelRealm, pageErrors }) => {
  const shell = new Shell(page, modelRealm.origin);
  await shell.open();
  await expect(page.getByText('MiniLM on the CPU')).toBeVisible({ timeout: 60_000 });
  const card = await shell.askAllowing('Should I pack an umbrella for Lisbon?');
  await card.expectAnsweredBy('Open-Meteo');
  await card.receipt.click();
  await expect(card.root).toContainText('MiniLM');
  expect(pageErrors).toEqual([]);

  // The second visit finds the weights on the device: not a byte of them is asked for again.
  const asked: string[] = [];
  page.on('request', (request) => { if (request.url().includes('/models/')) asked.push(request.url()); });
  await page.reload();
  await expect(page.getByText('MiniLM on the CPU')).toBeVisible({ timeout: 60_000 });
  expect(asked).toEqual([]);
});

test('a realm without weights says so, and word match answers', async ({ shell, page }) => {
  await shell.open();
  await expect(page.getByText('no language model')).toBeVisible();
  const card = await shell.askAllowing("What's the weather in Lisbon?");
  await card.expectAnsweredBy('Open-Meteo');
  await card.receipt.click();
  await expect(card.root).toContainText('word match');
});

test('every visitor has an identity that survives a reload', async ({ shell, page }) => {
  await shell.open();
  const you = page.locator('summary', { hasText: 'You' });
  await you.click();
  const did = page.getByText(/did:key:z6Mk\w+/).first();
  await expect(did).toBeVisible();
  const name = await did.textContent();
  await page.reload();
  await page.locator('summary', { hasText: 'You' }).click();
  await expect(page.getByText(name ?? '-').first()).toBeVisible();
});
