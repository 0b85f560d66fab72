import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Locator, type Page } from '@playwright/test';

/** The shell as a person meets it: everything is found by its role and name. */
export class Shell {
  readonly prompt: Locator;

  constructor(readonly page: Page, readonly origin: string) {
    this.prompt = page.getByRole('textbox', { name: 'Ask MTOR' });
  }

  async open(query = ''): Promise<void> {
    await this.page.goto(`${this.origin}/${query}`);
    await expect(this.prompt).toBeFocused();
  }

  /** Types and sends; the card is the newest with that heading. */
  async ask(words: string): Promise<Card> {
    await this.prompt.fill(words);
    await this.prompt.press('Enter');
    return this.card(words);
  }

  card(words: string): Card {
    return new Card(this.page.getByRole('article', { name: words, exact: true }).last());
  }

  get cards(): Locator {
    return this.page.getByRole('article');
  }

  /** Asks, and lets the words go to the provider this time. */
  async askAllowing(words: string): Promise<Card> {
    const card = await this.ask(words);
    await card.allow();
    return card;
  }

  /** No serious finding of axe, WCAG 2.2 A and AA. */
  async expectAccessible(): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
      .analyze();
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`)).toEqual([]);
  }

  /** Nothing is wider than the window. */
  async expectNoSidewaysScroll(): Promise<void> {
    const over = await this.page.evaluate(() =>
      document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over).toBeLessThanOrEqual(0);
  }
}

/** One question with its card. */
export class Card {
  readonly receipt: Locator;

  constructor(readonly root: Locator) {
    this.receipt = root.locator('details.receipt > summary');
  }

  button(name: string): Locator {
    return this.root.getByRole('button', { name, exact: true });
  }

  async allow(): Promise<void> {
    await this.button('This time').click();
  }

  /** Waits for a result with its receipt. */
  async expectAnsweredBy(who: string): Promise<void> {
    await expect(this.receipt).toContainText(who);
  }
}
