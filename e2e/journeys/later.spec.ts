import { expect, test } from '../support/fixtures.ts';

// What is no part of the first view comes in files of its own, after it.
const rooms = [
  { name: 'Chat', address: '#/chat', file: 'split_chat', heading: 'Talk with a model on this device' },
  { name: 'Federation', address: '#/federation', file: 'split_federation', heading: 'Find an operation' },
  { name: 'Models', address: '#/models', file: 'split_models', heading: 'Models' },
];
const lost = 'This part of MTOR is not on this device yet, and the realm does not send it.';

for (const { name, address, file, heading } of rooms) {
  test(`${name} opens from its address, and its file does not come before the first view`, async ({ page, shell }) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${shell.origin}/${address}`);
    await expect(page.getByRole('heading', { name: heading, exact: true })).toBeVisible();
    const first = asked.findIndex((path) => path.endsWith('mtor-app_bg.wasm'));
    const later = asked.findIndex((path) => path.includes(`/${file}.wasm`));
    expect(first).toBeGreaterThan(-1);
    expect(later).toBeGreaterThan(first);
  });

  test(`${name} says so when its file does not come, and comes when asked for again`, async ({ page, shell }) => {
    await page.route(`**/${file}.wasm`, (route) => route.abort());
    await page.goto(`${shell.origin}/${address}`);
    await expect(page.getByText(lost)).toBeVisible();
    await shell.expectAccessible();
    await page.getByRole('button', { name: 'Retry' }).click();
    await expect(page.getByText(lost)).toBeVisible();
    await page.unroute(`**/${file}.wasm`);
    await page.getByRole('button', { name: 'Retry' }).click();
    await expect(page.getByRole('heading', { name: heading, exact: true })).toBeVisible();
    await expect(page.getByText(lost).first()).toBeHidden();
  });
}

test('what comes later is there before it is needed, and then needs no realm', async ({ page, shell, pageErrors }) => {
  const came = Promise.all(rooms.map(({ file }) =>
    page.waitForResponse((response) => response.url().endsWith(`/${file}.wasm`) && response.ok())));
  await shell.open();
  const files = await came;
  for (const response of files) {
    expect(await response.headerValue('cache-control')).toContain('immutable');
    expect(await response.headerValue('content-encoding')).toBe('br');
    await response.finished();
  }
  await page.route('**/*.wasm', (route) => route.abort());
  for (const { name, heading } of rooms) {
    await page.getByRole('link', { name, exact: true }).click();
    await expect(page.getByRole('heading', { name: heading, exact: true })).toBeVisible();
  }
  expect(pageErrors).toEqual([]);
});
