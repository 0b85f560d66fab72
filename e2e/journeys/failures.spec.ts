import { Realm } from '../support/processes.ts';
import { Shell } from '../support/shell.ts';
import { expect, test } from '../support/fixtures.ts';

const question = "what's the weather in Lisbon";

for (const { fault, says } of [
  { fault: { kind: 'status', status: 500 }, says: /Open-Meteo/ },
  { fault: { kind: 'garbage' }, says: /Open-Meteo/ },
  { fault: { kind: 'reset' }, says: /Open-Meteo/ },
]) {
  test(`an upstream that answers with ${fault.kind} is named, and a retry succeeds`, async ({ shell, upstream }) => {
    await upstream.fault('open-meteo', fault);
    await shell.open();
    const card = await shell.askAllowing(question);
    const problem = card.root.locator('.problem-title');
    await expect(problem).toContainText(says);
    await upstream.clear();
    await card.button('Retry').click();
    await card.expectAnsweredBy('Open-Meteo');
    await expect(card.root).toContainText('°');
  });
}

test('one failure of an upstream is tried again without asking', async ({ shell, upstream }) => {
  await upstream.fault('open-meteo', { kind: 'status', status: 503 }, 1);
  await shell.open();
  const card = await shell.askAllowing(question);
  await card.expectAnsweredBy('Open-Meteo');
  await expect(card.root).toContainText('°');
});

test('an upstream that hangs can be stopped', async ({ shell, upstream }) => {
  await upstream.fault('open-meteo', { kind: 'hang' });
  await shell.open();
  const card = await shell.askAllowing(question);
  // The first step is done before the second hangs.
  await expect(card.root.getByRole('listitem').filter({ hasText: '…' })).toBeVisible();
  await card.button('Stop').click();
  await expect(card.root).toContainText('Stopped.');
});

test('a realm killed in mid-run is reported, comes back, and nothing is lost', async ({ page, upstream }) => {
  const realm = await Realm.start(upstream, { models: '/nonexistent' });
  try {
    await upstream.fault('open-meteo', { kind: 'hang' });
    const shell = new Shell(page, realm.origin);
    await shell.open();
    const card = await shell.askAllowing(question);
    await expect(card.root.getByRole('listitem').filter({ hasText: '…' })).toBeVisible();
    await realm.kill('SIGKILL');
    await expect(card.root).toContainText(/not reachable|Reconnecting/);
    await expect(page.getByText('Offline').first()).toBeVisible();
    await upstream.clear();
    await realm.resume();
    // No hand is needed: the shell finds the realm again, the realm takes the run up again.
    await card.expectAnsweredBy('Open-Meteo');
    await expect(card.root).toContainText('°');
    await page.reload();
    await expect(shell.cards).toHaveCount(1);
    await card.expectAnsweredBy('Open-Meteo');
  } finally {
    await upstream.clear();
    await realm.remove();
  }
});

test('a question asked while the realm is away is answered when it is back', async ({ page, upstream }) => {
  const realm = await Realm.start(upstream, { models: '/nonexistent' });
  try {
    const shell = new Shell(page, realm.origin);
    await shell.open();
    await (await shell.ask(question)).button('Always').click();
    await shell.card(question).expectAnsweredBy('Open-Meteo');
    await realm.kill('SIGTERM');
    const card = await shell.ask('weather in Berlin');
    await expect(card.root).toContainText(/not reachable|Reconnecting/);
    await realm.resume();
    await card.expectAnsweredBy('Open-Meteo');
    await expect(card.root).toContainText('Berlin');
  } finally {
    await realm.remove();
  }
});

test('a page left in mid-run takes it up again', async ({ shell, page, upstream }) => {
  await upstream.fault('open-meteo', { kind: 'slow', delay_ms: 1500 }, 1);
  await shell.open();
  const card = await shell.askAllowing(question);
  await expect(card.root.getByRole('listitem').filter({ hasText: '…' })).toBeVisible();
  await page.reload();
  await card.expectAnsweredBy('Open-Meteo');
  await expect(shell.cards).toHaveCount(1);
});
