import { adding, locked, Shelf, words } from '../support/descriptions.ts';
import { FederationScreen } from '../support/federation.ts';
import { expect, test as base } from '../support/fixtures.ts';
import { Realm } from '../support/processes.ts';
import { Shell } from '../support/shell.ts';

/** A realm of its own that may fetch from the shelf and call the stand-in. */
const test = base.extend<{ desk: FederationScreen; own: Shell }, { shelf: Shelf; realm: Realm }>({
  shelf: [async ({}, use) => {
    const shelf = await Shelf.open();
    await use(shelf);
    await shelf.close();
  }, { scope: 'worker' }],
  realm: [async ({ upstream, shelf }, use) => {
    const realm = await Realm.start(upstream, { models: '/nonexistent', alsoAllow: [shelf.address] });
    await use(realm);
    await realm.remove();
  }, { scope: 'worker' }],
  desk: async ({ page, realm }, use) => use(new FederationScreen(page, realm.origin)),
  own: async ({ page, realm }, use) => use(new Shell(page, realm.origin)),
});

test('a pasted description is previewed, enabled, and at once usable from the prompt', async ({ desk, own, upstream, page, pageErrors }) => {
  await desk.open();
  await desk.add(words(upstream.address, 'Pasted Shelf'), 'Pasted Shelf');
  await expect(desk.detail).toContainText('1 operation can be called');
  await expect(desk.detail).toContainText(upstream.address);
  await expect(desk.detail).toContainText('OpenAPI 3.1');
  await expect(desk.field).toHaveValue('');
  await desk.enable();
  const card = await own.ask('what does the shelf say about serendipity');
  await expect(page).toHaveURL(/#\/$/);
  await card.allow();
  await expect(card.receipt).toContainText(' ms');
  await expect(card.root).toContainText('serendipity');
  expect(pageErrors).toEqual([]);
});

test('a description comes by its address, and by a dropped file', async ({ desk, shelf, upstream, page }) => {
  await desk.open();
  const url = shelf.put('by-address.yaml', words(upstream.address, 'Addressed Shelf'));
  await desk.add(url, 'Addressed Shelf');
  await expect(desk.detail).toContainText(url);
  await expect(desk.button('Look again')).toBeVisible();

  const data = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], 'dropped.yaml', { type: 'application/yaml' }));
    return data;
  }, words(upstream.address, 'Dropped Shelf'));
  await page.getByRole('main').dispatchEvent('drop', { dataTransfer: data });
  await desk.expectSource('Dropped Shelf');
  await expect(desk.detail).toContainText('the file dropped.yaml');
});

test('what is no description says so, and what to do', async ({ desk, shelf }) => {
  await desk.open();
  await desk.field.fill('swagger');
  await desk.button('Add').click();
  await expect(desk.page.getByRole('main').locator('.problem').first()).toBeVisible();

  await desk.open();
  await desk.field.fill(`http://${shelf.address}/not-there.yaml`);
  await desk.button('Add').click();
  await expect(desk.page.getByRole('main').locator('.problem').first()).toContainText(/404|not/i);
});

test('a draft of a description survives a reload, and so does the place', async ({ desk, upstream, page }) => {
  await desk.open();
  await desk.add(words(upstream.address, 'Kept Shelf'), 'Kept Shelf');
  await desk.tab('Skipped');
  await desk.field.fill('https://half.example/open');
  await page.reload();
  await expect(desk.field).toHaveValue('https://half.example/open');
  await desk.expectSource('Kept Shelf');
  await expect(desk.detail.getByRole('list', { name: 'Skipped operations' })).toBeVisible();
  await page.goBack();
  await expect(desk.detail.getByRole('searchbox', { name: 'Search operations' })).toBeVisible();
  await desk.field.fill('');
});

test('skipped operations say where and why', async ({ desk, upstream }) => {
  await desk.open();
  await desk.add(words(upstream.address, 'Skipping Shelf'), 'Skipping Shelf');
  await desk.tab('Skipped');
  const skipped = desk.detail.getByRole('list', { name: 'Skipped operations' });
  await expect(skipped).toContainText('/broken');
  await expect(skipped).toContainText('/paths/~1broken');
  await expect(skipped).toContainText('Nowhere');
});

test('an operation is read, tried without sending, and sent', async ({ desk, upstream, page }) => {
  await desk.open();
  await desk.add(words(upstream.address, 'Tried Shelf'), 'Tried Shelf');
  await desk.enable();
  await desk.openOperation('Look a word up');
  await desk.detail.locator('summary', { hasText: 'Outputs' }).click();
  await expect(desk.detail.locator('.schema').last()).toContainText('related');

  const before = (await upstream.requests()).length;
  const word = desk.bench.getByRole('textbox', { name: 'Word' });
  await word.fill('ocean/../x?y');
  await expect(desk.request).toContainText('/entries/en/ocean%2F..%2Fx%3Fy');
  await word.fill('');
  await desk.button('Dry run').click();
  await expect(desk.bench).toContainText('“Word” is still empty.');
  await expect(word).toBeFocused();
  await word.fill('serendipity');
  await desk.bench.locator('summary', { hasText: 'Optional' }).click();
  await desk.bench.getByRole('combobox', { name: 'detail' }).selectOption('full');
  await expect(desk.request).toContainText('/entries/en/serendipity?detail=full');
  await desk.button('Dry run').click();
  expect((await upstream.requests()).length, 'a dry run sends nothing').toBe(before);

  await desk.button('Send').click();
  await page.getByRole('button', { name: 'This time' }).click();
  const card = page.locator('.outcome');
  await expect(card.locator('details.receipt > summary')).toContainText(' ms');
  await expect(card).toContainText('serendipity');
  expect((await upstream.requests()).length).toBe(before + 1);
  await card.locator('details.receipt > summary').click();
  await expect(card).toContainText('detail=full');
});

test('what changes something is confirmed in a sentence, and can be declined', async ({ desk, upstream, page }) => {
  await desk.open();
  await desk.add(words(upstream.address, 'Writing Shelf', adding), 'Writing Shelf');
  await desk.enable();
  await desk.openOperation('Add an entry');
  await desk.bench.getByRole('textbox', { name: 'Word' }).fill('petrichor');
  const add = desk.bench.getByRole('button', { name: 'Add an item' });
  const items = desk.bench.getByRole('listitem');
  while (await items.count() > 0) await desk.bench.getByRole('button', { name: 'Take item 1 out' }).click();
  await add.click();
  await expect(items).toHaveCount(1);
  await items.first().getByRole('textbox', { name: 'Text' }).fill('the smell of rain');
  await items.first().getByRole('textbox', { name: 'Rank' }).fill('one');
  await expect(desk.bench).toContainText('“Rank” takes a whole number.');
  await items.first().getByRole('textbox', { name: 'Rank' }).fill('1');
  await expect(desk.request).toContainText('the smell of rain');
  const before = (await upstream.requests()).length;
  await desk.button('Send').click();
  await expect(page.locator('.outcome')).toContainText(/It changes something there/);
  await expect(page.locator('.outcome')).toContainText(upstream.address);
  await page.getByRole('button', { name: 'Never' }).click();
  await expect(page.locator('.outcome')).toContainText('Nothing was sent');
  expect((await upstream.requests()).length).toBe(before);
});

test('more than one argument is asked in a form that is filled with what was understood', async ({ desk, own, upstream, page }) => {
  await desk.open();
  const two = words(upstream.address, 'Two Shelf').replace('{name: detail, in: query,', '{name: detail, in: query, required: true,')
    .replaceAll('the shelf say', 'the pair say').replace('shelf entry', 'pair entry');
  await desk.add(two, 'Two Shelf');
  await desk.enable();
  const card = await own.ask('what does the pair say about quay');
  await expect(card.root.getByRole('textbox', { name: 'Word' })).toHaveValue('quay');
  await card.button('Continue').click();
  await expect(card.root).toContainText('“detail” is still empty.');
  await card.root.getByRole('combobox', { name: 'detail' }).selectOption('short');
  await page.reload();
  await expect(card.root.getByRole('combobox', { name: 'detail' })).toHaveValue('0');
  await card.button('Continue').click();
  await card.allow();
  await expect(card.receipt).toContainText(' ms');
});

test('a changed description shows the difference and asks again', async ({ desk, shelf, upstream }) => {
  await desk.open();
  const url = shelf.put('changing.yaml', words(upstream.address, 'Changing Shelf'));
  await desk.add(url, 'Changing Shelf');
  await desk.enable();
  shelf.put('changing.yaml', words(upstream.address, 'Changing Shelf', adding));
  await desk.button('Look again').click();
  const difference = desk.page.getByRole('region', { name: 'What has changed' });
  await expect(difference).toContainText('Added (1)');
  await expect(difference).toContainText('addEntry');
  await desk.button('Agree to the change').click();
  await expect(difference).toBeHidden();
  await expect(desk.detail.getByRole('list', { name: 'Operations' })).toContainText('Add an entry');
});

test('a credential is stored, used, and never shown again', async ({ desk, upstream, page }) => {
  const secret = 'hunter2-hunter2-hunter2';
  await desk.open();
  await desk.add(locked(upstream.address, 'Locked Shelf'), 'Locked Shelf');
  await desk.enable();
  await desk.openOperation('Find books');
  await desk.bench.getByRole('textbox', { name: 'q' }).fill('sea');
  await expect(desk.request).toContainText('No credential is stored for key');
  await desk.detail.getByRole('link', { name: 'key' }).click();
  const key = desk.detail.getByLabel('Key', { exact: true });
  await expect(key).toHaveAttribute('type', 'password');
  await key.fill(secret);
  await desk.button('Store').click();
  await expect(desk.detail).toContainText('Ready');
  await expect(desk.detail).toContainText(upstream.address);
  await expect(desk.detail.getByLabel('Key', { exact: true })).toHaveValue('');
  await page.goBack();
  await expect(desk.request).toContainText('•••');
  await expect(desk.request).not.toContainText('No credential');
  expect(await page.content()).not.toContain(secret);
  expect(await (await fetch(`${desk.origin}/api/credentials`)).text()).not.toContain(secret);
  await desk.detail.getByRole('link', { name: 'key' }).click();
  await desk.detail.getByRole('button', { name: 'Remove' }).last().click();
  await expect(desk.detail).not.toContainText('Ready');
});

test('a removed source can be brought back', async ({ desk, upstream }) => {
  await desk.open();
  await desk.add(words(upstream.address, 'Removed Shelf'), 'Removed Shelf');
  await desk.button('Remove').click();
  await expect(desk.sources).not.toContainText('Removed Shelf');
  await desk.button('Undo').click();
  await expect(desk.sources).toContainText('Removed Shelf');
});

// Screenshots go to the test output, so that a person can look at what the journeys saw.
for (const scheme of ['light', 'dark'] as const) {
  for (const [name, viewport] of Object.entries({ wide: { width: 1360, height: 900 }, narrow: { width: 360, height: 740 } })) {
    test(`the screen is usable and accessible: ${scheme}, ${name}`, async ({ desk, own, upstream, shelf, page }, info) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      const look = async (what: string) => {
        await page.screenshot({ path: info.outputPath(`${what}.png`), fullPage: name === 'narrow' });
        // As high as the page: what is half behind the prompt is no target that is too small.
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        await page.setViewportSize({ width: viewport.width, height: Math.max(viewport.height, height + 200) });
        await own.expectAccessible();
        await own.expectNoSidewaysScroll();
        await page.setViewportSize(viewport);
      };
      await desk.open();
      await look('sources');
      const title = `Shelf ${scheme} ${name}`;
      const url = shelf.put(`${scheme}-${name}.yaml`, words(upstream.address, title));
      await desk.add(url, title);
      await look('preview');
      await desk.enable();
      shelf.put(`${scheme}-${name}.yaml`, words(upstream.address, title, adding));
      await desk.button('Look again').click();
      await expect(desk.button('Agree to the change')).toBeVisible();
      await look('changed');
      await desk.button('Agree to the change').click();
      await expect(desk.button('Agree to the change')).toBeHidden();
      await desk.tab('Skipped');
      await look('skipped');
      await desk.tab('Settings');
      await look('settings');
      await desk.tab('Operations');
      await desk.openOperation('Add an entry');
      await desk.bench.locator('summary', { hasText: 'Optional' }).click();
      await look('form');
      await page.goBack();
      await desk.openOperation('Look a word up');
      await desk.bench.getByRole('textbox', { name: 'Word' }).fill('serendipity');
      await expect(desk.request).toContainText('/entries/en/serendipity');
      await desk.button('Send').click();
      const once = page.getByRole('button', { name: 'This time' });
      await once.click();
      await expect(page.locator('.outcome details.receipt')).toBeVisible();
      await desk.detail.locator('summary', { hasText: 'Outputs' }).click();
      await look('sent');
      const lock = `Locked ${scheme} ${name}`;
      await desk.open();
      await desk.add(locked(upstream.address, lock), lock);
      await desk.tab('Credentials');
      await look('credentials');
    });
  }
}
