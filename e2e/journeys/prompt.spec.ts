import { expect, test } from '../support/fixtures.ts';

test('an empty prompt asks nothing', async ({ shell, page }) => {
  await shell.open();
  await shell.prompt.press('Enter');
  await expect(page.getByRole('form', { name: 'Ask' }).getByText('There is nothing to ask yet.')).toBeVisible();
  await expect(shell.cards).toHaveCount(0);
});

test('a megabyte is refused and stays in the prompt', async ({ shell, page }) => {
  await shell.open();
  const megabyte = 'a '.repeat(1 << 19);
  await shell.prompt.fill(megabyte);
  await shell.prompt.press('Enter');
  await expect(page.getByRole('form', { name: 'Ask' })
    .getByText('This is 1024 KB of text; one question holds at most 16 KB.')).toBeVisible();
  expect((await shell.prompt.inputValue()).length).toBe(megabyte.length);
  await expect(shell.cards).toHaveCount(0);
});

test('markup and control characters are words like any other', async ({ shell, pageErrors }) => {
  await shell.open();
  const words = '<img src=x onerror=alert(1)> "books" \\u0000 about {{sea}}';
  const card = await shell.ask(words);
  await expect(card.root).toBeVisible();
  expect(pageErrors).toEqual([]);
});

test('a draft survives a reload', async ({ shell, page }) => {
  await shell.open();
  await shell.prompt.fill('half a thou');
  await page.reload();
  await expect(shell.prompt).toHaveValue('half a thou');
});

test('everything is done by the keyboard alone', async ({ shell, page }) => {
  await shell.open();
  await page.keyboard.type("what's the weather in Lisbon");
  await page.keyboard.press('Enter');
  const card = shell.card("what's the weather in Lisbon");
  await expect(card.button('This time')).toBeVisible();
  // Tab backwards from the prompt until the button has the focus.
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press('Shift+Tab');
    if (await card.button('This time').evaluate((button) => button === document.activeElement)) break;
  }
  await expect(card.button('This time')).toBeFocused();
  await page.keyboard.press('Enter');
  await card.expectAnsweredBy('Open-Meteo');
  await expect(shell.prompt).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(shell.prompt).toHaveValue("what's the weather in Lisbon");
});
