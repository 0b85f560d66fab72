import { Chat, hasChatModel } from '../support/chat.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { expect, test } from '../support/fixtures.ts';
import { Shell } from '../support/shell.ts';

test('a result is put into words by the model, and the data stays a click away', async ({ page, plainRealm }, info) => {
  await fakeEngine(page, { stored: true, answers: ['It is mild in Lisbon, with some sun.'] });
  const shell = new Shell(page, plainRealm.origin);
  await shell.open();
  const card = await shell.askAllowing("what's the weather in Lisbon");
  await card.expectAnsweredBy('Open-Meteo');
  await card.button('Say it in words').click();
  await expect(card.root).toContainText('It is mild in Lisbon, with some sun.');
  await expect(card.root).toContainText('from the data below alone. It can be wrong.');
  await card.root.getByText('Data', { exact: true }).click();
  await expect(card.root.getByRole('region', { name: 'Data' })).toContainText('temperature');
  await page.screenshot({ path: info.outputPath('words.png'), fullPage: true });
  await shell.expectAccessible();

  await page.reload();
  await expect(card.root).toContainText('It is mild in Lisbon, with some sun.');
  await card.button('Say it again').click();
  await expect(card.root).toContainText('It is mild in Lisbon, with some sun.');
});

test('words on their way are declined', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, answers: ['One word after another until it is too much.'], paceMs: 400 });
  const shell = new Shell(page, plainRealm.origin);
  await shell.open();
  const card = await shell.askAllowing("what's the weather in Lisbon");
  await card.button('Say it in words').click();
  await expect(card.root).toContainText('One word');
  await card.button('Not now').click();
  await expect(card.root).not.toContainText('One word');
  await expect(card.button('Say it in words')).toBeVisible();
});

for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } })) {
  test(`an answer is put together of what two providers say: ${name}`, async ({ page, plainRealm }, info) => {
    await page.setViewportSize(viewport);
    const { capabilities } = await (await page.request.get(`${plainRealm.origin}/api/catalogue`)).json() as { capabilities: { id: string; title: string }[] };
    const weather = capabilities.find(({ title }) => title === 'Weather')!;
    const article = capabilities.find(({ title }) => title === 'Article')!;
    await fakeEngine(page, {
      stored: true,
      answers: [JSON.stringify({ use: [weather.id, article.id] }), '{}', '{}', 'Take a light coat: the evening is mild.'],
    });
    const shell = new Shell(page, plainRealm.origin);
    await shell.open();
    const card = await shell.ask('tell me a joke');
    await card.button('Put an answer together').click();
    const parts = card.root.getByRole('list', { name: 'What it is put together from' }).locator('> li');
    await expect(parts).toHaveCount(2);
    for (const [index, value] of ['Lisbon', 'Ada Lovelace'].entries()) {
      const part = parts.nth(index);
      await part.getByRole('textbox').first().fill(value);
      await part.getByRole('button', { name: 'Continue' }).click();
      await part.getByRole('button', { name: 'This time' }).click();
      await expect(part.locator('details.receipt')).toBeVisible();
    }
    await expect(card.root).toContainText('Take a light coat: the evening is mild.');
    await page.screenshot({ path: info.outputPath(`together-${name}.png`), fullPage: true });
    await shell.expectAccessible();
    await shell.expectNoSidewaysScroll();

    await page.reload();
    await expect(card.root).toContainText('Take a light coat: the evening is mild.');
    await expect(parts).toHaveCount(2);
    await page.getByRole('button', { name: 'Remove “tell me a joke”' }).click();
    await expect(shell.cards).toHaveCount(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(parts).toHaveCount(2);
  });
}

test.describe('with the real model', () => {
  test.skip(!hasChatModel(), 'the chat model is not on this machine: cargo xtask models fetches it');
  test.describe.configure({ timeout: 1_200_000 });

  test('what to wear this evening', async ({ page, modelRealm }, info) => {
    const chat = new Chat(page, modelRealm.origin);
    await chat.open('#/chat', '?backend=cpu');
    await chat.keepShort(4);
    await chat.say('Hello');
    await page.getByRole('button', { name: 'Download 491.4 MB' }).click();
    await expect(chat.receipt).toContainText('on this device', { timeout: 900_000 });

    await page.getByRole('link', { name: 'Ask', exact: true }).click();
    const shell = new Shell(page, modelRealm.origin);
    const card = await shell.askAllowing("what's the weather in Lisbon");
    await card.button('Say it in words').click();
    await expect(card.button('Say it again')).toBeVisible({ timeout: 600_000 });
    await page.screenshot({ path: info.outputPath('words-real.png'), fullPage: true });
  });
});
