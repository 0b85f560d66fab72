import { homedir } from 'node:os';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { expect, type Locator, type Page } from '@playwright/test';

import { modelsFolder } from './processes.ts';

/** The chat model's file, named by its SHA-256 as in `shared/models.json`. */
const CHAT_FILE = '1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32';

/** Whether the real model can be downloaded from a realm here. */
export function hasChatModel(): boolean {
  return existsSync(join(modelsFolder || join(homedir(), '.cache/mtor/models'), CHAT_FILE));
}

/** Conversations as a person meets them. */
export class Chat {
  readonly prompt: Locator;
  readonly messages: Locator;
  readonly answers: Locator;
  readonly questions: Locator;

  constructor(readonly page: Page, readonly origin: string) {
    this.prompt = page.getByRole('textbox', { name: 'Message to the model' });
    this.messages = page.locator('.messages').getByRole('article');
    this.answers = page.locator('.messages').getByRole('article', { name: 'The model' });
    this.questions = page.locator('.messages').getByRole('article', { name: 'You' });
  }

  async open(path = '#/chat', query = ''): Promise<void> {
    await this.page.goto(`${this.origin}/${query}${path}`);
    await expect(this.prompt).toBeFocused();
  }

  async say(words: string): Promise<void> {
    await this.prompt.fill(words);
    await this.prompt.press('Enter');
  }

  /** Keeps answers of the real model short: a token takes a fifth of a second here. */
  async keepShort(tokens: number): Promise<void> {
    await this.page.getByText('Instructions and sampling').click();
    await this.page.getByLabel('Temperature').fill('0');
    await this.page.getByLabel('Longest answer').fill(String(tokens));
    await this.page.getByLabel('Longest answer').press('Tab');
    await this.page.getByText('Instructions and sampling').click();
  }

  /** The receipt of the last answer: it is there when the answer is. */
  get receipt(): Locator {
    return this.answers.last().locator('details.reply-receipt > summary');
  }

  list(): Locator {
    return this.page.getByRole('complementary', { name: 'Conversations' });
  }
}
