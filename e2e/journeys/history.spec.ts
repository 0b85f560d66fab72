import { expect, test } from '../support/fixtures.ts';

test('history survives a reload, in order and with receipts', async ({ shell, page }) => {
  await shell.open();
  await (await shell.askAllowing("what's the weather in Lisbon")).expectAnsweredBy('Open-Meteo');
  await (await shell.askAllowing('who was Ada Lovelace')).expectAnsweredBy('Wikipedia');
  await page.reload();
  await expect(shell.cards).toHaveCount(2);
  await expect(shell.cards.nth(0)).toContainText('Lisbon');
  await shell.card("what's the weather in Lisbon").expectAnsweredBy('Open-Meteo');
  await shell.card('who was Ada Lovelace').expectAnsweredBy('Wikipedia');
});

test('a removed answer can be brought back', async ({ shell, page }) => {
  await shell.open();
  await (await shell.askAllowing('define serendipity')).expectAnsweredBy('Dictionary');
  await page.getByRole('button', { name: 'Remove “define serendipity”' }).click();
  await expect(shell.cards).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(shell.cards).toHaveCount(1);
  await page.reload();
  await expect(shell.cards).toHaveCount(1);
});
