import { expect, test } from '../support/fixtures.ts';

test('weather looks like weather and its receipt is honest', async ({ shell, upstream }) => {
  await shell.open();
  const card = await shell.ask("what's the weather in Lisbon");
  // What leaves and where to, by the host that is really called: here the stand-in.
  await expect(card.root).toContainText(`“Lisbon” go to ${upstream.address}`);
  await card.allow();
  await card.expectAnsweredBy('Open-Meteo');
  await expect(card.root).toContainText('Lisbon');
  await expect(card.root).toContainText('°');
  await expect(card.receipt).toContainText(' ms');
  await card.receipt.click();
  // Both steps of the plan are there as they were sent.
  await expect(card.root).toContainText('/v1/search?');
  await expect(card.root).toContainText('/v1/forecast?');
});

test('an article looks like an article, picture included', async ({ shell, pageErrors }) => {
  await shell.open();
  const card = await shell.askAllowing('who was Ada Lovelace');
  await card.expectAnsweredBy('Wikipedia');
  await expect(card.root.getByRole('heading', { name: 'Ada Lovelace', exact: true })).toBeVisible();
  const picture = card.root.getByRole('img').first();
  await expect(picture).toBeVisible();
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  expect(pageErrors).toEqual([]);
});

test('books come as a list, a word with its meanings', async ({ shell }) => {
  await shell.open();
  const books = await shell.askAllowing('books about the sea');
  await books.expectAnsweredBy('Open Library');
  expect(await books.root.getByRole('listitem').count()).toBeGreaterThan(1);
  const word = await shell.askAllowing('define serendipity');
  await word.expectAnsweredBy('Dictionary');
  await expect(word.root).toContainText('serendipity');
});

test('what was not said is asked for', async ({ shell }) => {
  await shell.open();
  const card = await shell.ask("what's the weather");
  await card.root.getByRole('textbox', { name: 'Place' }).fill('Berlin');
  await card.button('Continue').click();
  await card.allow();
  await card.expectAnsweredBy('Open-Meteo');
  await expect(card.root).toContainText('Berlin');
});

test('a sentence that nothing answers is not guessed at', async ({ shell, upstream }) => {
  await shell.open();
  const before = (await upstream.requests()).length;
  const card = await shell.ask('write a sorting function in cobol');
  await expect(card.root).toContainText('nothing was sent anywhere');
  expect((await upstream.requests()).length).toBe(before);
});

test('never means that nothing is sent, and there is a way back', async ({ shell, upstream }) => {
  await shell.open();
  const before = (await upstream.requests()).length;
  const card = await shell.ask("what's the weather in Lisbon");
  await card.button('Never').click();
  await expect(card.root).toContainText('Nothing was sent');
  const second = await shell.ask('weather in Berlin');
  await expect(second.root).toContainText('Nothing was sent');
  expect((await upstream.requests()).length).toBe(before);
  await second.button('Allow this time').click();
  await second.expectAnsweredBy('Open-Meteo');
});

test('always is remembered', async ({ shell, page }) => {
  await shell.open();
  const first = await shell.ask("what's the weather in Lisbon");
  await first.button('Always').click();
  await first.expectAnsweredBy('Open-Meteo');
  await page.reload();
  const second = await shell.ask('weather in Berlin');
  await second.expectAnsweredBy('Open-Meteo');
});

test('an unknown place is said plainly', async ({ shell }) => {
  await shell.open();
  const card = await shell.askAllowing("what's the weather in Xqzzyvia");
  await expect(card.root).toContainText('Open-Meteo knows no place of that name');
});
