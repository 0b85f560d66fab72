import { readFileSync } from 'node:fs';

import { Chat, hasChatModel } from '../support/chat.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { expect, test } from '../support/fixtures.ts';
import { Shell } from '../support/shell.ts';

const markdown = [
  '## A short answer', '', 'Words with *stress*, **more of it** and `code`, and a [link](https://example.org).', '',
  '1. First', '2. Second', '   - inside', '', '```rust', 'fn main() {', '    println!("hello");', '}', '```', '',
  '| Name | Bytes |', '|---|--:|', '| one | 1 |', '', '> Somebody said so.', '',
  '<img src=x onerror=alert(1)> [no](javascript:alert(1))',
].join('\n').replaceAll('\n', ' \n');

test('a first message offers the download, and is answered by itself', async ({ page, plainRealm, pageErrors }) => {
  await fakeEngine(page, { answers: ['The sky scatters blue light most.'] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await expect(page.getByText('Nothing you write here leaves this device')).toBeVisible();
  await chat.say('Why is the sky blue?');
  await expect(chat.answers).toContainText('491.4 MB');
  await page.getByRole('button', { name: 'Download 491.4 MB' }).click();
  await expect(chat.receipt).toContainText('on this device');
  await expect(chat.answers).toContainText('The sky scatters blue light most.');
  expect(page.url()).toContain('#/chat/');
  expect(pageErrors).toEqual([]);
});

test('a download is paused and goes on, and the question still waits for it', async ({ page, plainRealm }) => {
  await fakeEngine(page, { downloadStopsAt: 0.4 });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('Hello');
  await page.getByRole('button', { name: 'Download 491.4 MB' }).click();
  await expect(chat.answers).toContainText('MB/s');
  await chat.answers.getByRole('button', { name: 'Pause' }).click();
  await expect(chat.answers.getByRole('button', { name: /Download the other/ })).toBeVisible();
});

test('an answer is stopped where it is', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, paceMs: 60, answers: ['word '.repeat(400)] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('Go on and on');
  await expect(chat.answers).toContainText('word word');
  // Typing goes on meanwhile.
  await chat.prompt.fill('and th');
  await expect(chat.prompt).toHaveValue('and th');
  await chat.answers.getByRole('button', { name: 'Stop' }).click();
  await expect(chat.answers).toContainText('Stopped.');
  await expect(chat.prompt).toHaveValue('and th');
});

test('answers and questions have versions, and nothing is lost', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, answers: ['First answer.', 'Second answer.', 'Third answer.'] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('A question');
  await expect(chat.answers).toContainText('First answer.');
  await chat.answers.getByRole('button', { name: 'Answer again' }).click();
  await expect(chat.answers).toContainText('Second answer.');
  await expect(chat.answers).toContainText('2 / 2');
  await chat.answers.getByRole('button', { name: 'Earlier version' }).click();
  await expect(chat.answers).toContainText('First answer.');

  await chat.questions.getByRole('button', { name: 'Edit and send again' }).click();
  const edit = page.getByRole('textbox', { name: 'Change the question' });
  await expect(edit).toHaveValue('A question');
  await edit.fill('Another question');
  await edit.press('Enter');
  await expect(chat.answers).toContainText('Third answer.');
  await expect(chat.questions).toContainText('2 / 2');

  await page.reload();
  await expect(chat.questions).toContainText('Another question');
  await chat.questions.getByRole('button', { name: 'Earlier version' }).click();
  await expect(chat.questions).toContainText('A question');
  await expect(chat.answers).toContainText('First answer.');
});

test('a reload keeps drafts and conversations', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, answers: ['An answer to keep.'] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('A question to keep');
  await expect(chat.receipt).toBeVisible();
  await chat.prompt.fill('half a thou');
  await page.reload();
  await expect(chat.answers).toContainText('An answer to keep.');
  await expect(chat.prompt).toHaveValue('half a thou');
  await expect(chat.list().getByRole('link', { name: /A question to keep/ })).toBeVisible();
});

test('Markdown is drawn, and markup stays text', async ({ page, plainRealm, pageErrors }) => {
  await fakeEngine(page, { stored: true, answers: [markdown] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('Show me');
  await expect(chat.receipt).toBeVisible();
  const answer = chat.answers.last();
  await expect(answer.getByRole('heading', { name: 'A short answer' })).toBeVisible();
  await expect(answer.getByRole('table')).toContainText('one');
  await expect(answer.getByRole('button', { name: 'Copy the code' })).toBeVisible();
  await expect(answer).toContainText('<img src=x onerror=alert(1)>');
  await expect(answer.getByRole('img')).toHaveCount(0);
  await expect(answer.locator('a[href^="javascript"]')).toHaveCount(0);
  expect(pageErrors).toEqual([]);
});

test('a lost device starts again, and the conversation is replayed', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, answers: ['Half an \u2620 answer'] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('Please');
  await expect(chat.answers).toContainText('Half an');
  await expect(chat.answers).toContainText('The GPU was lost.');
  await page.unroute(/engine-worker.*\.js$/);
  await fakeEngine(page, { stored: true, answers: ['A whole answer.'] });
  await expect(chat.answers).toContainText('A whole answer.', { timeout: 20_000 });
});

test('what there is no room for is left out, and that is said', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, room: 3, answers: ['Yes.'] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  for (const words of ['one', 'two', 'three']) {
    await chat.say(words);
    await expect(chat.receipt).toBeVisible();
    await expect(chat.questions.last()).toContainText(words);
    await expect(chat.answers.last()).toContainText('Yes.');
  }
  await expect(page.getByText(/The model no longer sees the first \d messages/)).toBeVisible();
});

test('conversations are searched, exported, removed, brought back and imported', async ({ page, plainRealm }, info) => {
  await fakeEngine(page, { stored: true, answers: ['Ultramarine was made of stone.', 'A second one.'] });
  const chat = new Chat(page, plainRealm.origin);
  await chat.open();
  await chat.say('What is blue?');
  await expect(chat.receipt).toBeVisible();
  await chat.list().getByRole('link', { name: 'New conversation' }).click();
  await chat.say('Something else');
  await expect(chat.receipt).toBeVisible();

  await chat.list().getByRole('searchbox', { name: 'Search conversations' }).fill('ULTRAmarine');
  await expect(chat.list().getByRole('listitem')).toHaveCount(1);
  await chat.list().getByRole('listitem').getByRole('link').click();
  await expect(chat.answers).toContainText('Ultramarine');
  await chat.list().getByRole('searchbox').fill('');

  const download = page.waitForEvent('download');
  await chat.list().getByRole('button', { name: 'Export all' }).click();
  const path = info.outputPath('all.json');
  await (await download).saveAs(path);
  expect(JSON.parse(readFileSync(path, 'utf8')).conversations).toHaveLength(2);

  await page.getByRole('button', { name: 'Remove this conversation' }).click();
  await expect(chat.list().getByRole('listitem')).toHaveCount(1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(chat.list().getByRole('listitem')).toHaveCount(2);
  await page.getByRole('button', { name: 'Remove this conversation' }).click();

  await chat.list().locator('input[type=file]').setInputFiles(path);
  await expect(chat.list()).toContainText('1 conversation imported and 1 conversation already here.');
  await chat.list().locator('input[type=file]').setInputFiles({
    name: 'notes.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}'),
  });
  await expect(chat.list()).toContainText('notes.json is JSON, and not an export of conversations.');
});

test('what nothing answers may be answered by the model, in the stream', async ({ page, plainRealm }) => {
  await fakeEngine(page, { stored: true, answers: ['Why did the lens blink?'] });
  const shell = new Shell(page, plainRealm.origin);
  await shell.open();
  const card = await shell.ask('tell me a joke');
  await card.button('Ask the model on this device').click();
  await expect(card.root).toContainText('Why did the lens blink?');
  await card.root.getByRole('link', { name: 'Go on in Chat' }).click();
  const chat = new Chat(page, plainRealm.origin);
  await expect(chat.questions).toContainText('tell me a joke');
});

for (const scheme of ['light', 'dark'] as const) {
  for (const [name, viewport] of Object.entries({ wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } })) {
    test(`chat is usable and accessible: ${scheme}, ${name}`, async ({ page, plainRealm }, info) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await fakeEngine(page, { downloadStopsAt: 0.35, answers: ['Hm.'] });
      const shell = new Shell(page, plainRealm.origin);
      const chat = new Chat(page, plainRealm.origin);
      await chat.open();
      await page.screenshot({ path: info.outputPath('opening.png') });
      await shell.expectAccessible();
      await chat.say('Why is the sky blue?');
      await expect(chat.answers).toContainText('491.4 MB');
      await page.screenshot({ path: info.outputPath('offer.png') });
      await shell.expectAccessible();
      await page.getByRole('button', { name: 'Download 491.4 MB' }).click();
      await expect(chat.answers).toContainText('MB/s');
      await page.screenshot({ path: info.outputPath('download.png') });

      await page.unroute(/engine-worker.*\.js$/);
      await fakeEngine(page, { stored: true, answers: ['Blue light is scattered most.', markdown, 'Again.'] });
      await page.reload();
      await expect(chat.receipt).toBeVisible();
      await chat.say('Show me all that you can write, please.');
      await expect(chat.answers).toHaveCount(2);
      await expect(chat.receipt).toBeVisible();
      await shell.expectAccessible();
      await shell.expectNoSidewaysScroll();
      await page.screenshot({ path: info.outputPath('talk.png'), fullPage: true });
      await chat.receipt.click();
      await page.getByText('Instructions and sampling').click();
      await shell.expectAccessible();
      await shell.expectNoSidewaysScroll();
      await page.screenshot({ path: info.outputPath('unfolded.png'), fullPage: true });
      await expect(chat.prompt).toBeInViewport();
    });
  }
}

test.describe('with the real model', () => {
  test.skip(!hasChatModel(), 'the chat model is not on this machine: cargo xtask models fetches it');
  test.describe.configure({ timeout: 600_000 });

  test('a chat from the first download to an answer offline', async ({ page, modelRealm, context, pageErrors }, info) => {
    const chat = new Chat(page, modelRealm.origin);
    await chat.open('#/chat', '?backend=cpu');
    await chat.keepShort(12);
    await chat.say('What is the capital of France? Answer with one word.');
    await page.getByRole('button', { name: 'Download 491.4 MB' }).click();
    await expect(chat.answers).toContainText('Paris', { timeout: 400_000 });
    await expect(chat.receipt).toContainText('on this device', { timeout: 60_000 });
    await chat.receipt.click();
    await expect(chat.answers).toContainText('tokens a second');
    await page.screenshot({ path: info.outputPath('real.png') });

    // The model and the engine are here: no network is needed any more.
    await context.setOffline(true);
    await chat.say('And of Italy? One word.');
    await expect(chat.answers.last()).toContainText('Rome', { timeout: 120_000 });
    await context.setOffline(false);
    expect(pageErrors.filter((error) => !error.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
  });
});
