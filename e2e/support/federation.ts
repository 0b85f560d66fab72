import { expect, type Locator, type Page } from '@playwright/test';

/** The Federation screen as a person meets it. */
export class FederationScreen {
  readonly field: Locator;
  readonly sources: Locator;
  readonly detail: Locator;
  readonly bench: Locator;
  readonly request: Locator;

  constructor(readonly page: Page, readonly origin: string) {
    this.field = page.getByRole('textbox', { name: 'Add an API' });
    this.sources = page.getByRole('list', { name: 'Sources' });
    this.detail = page.getByRole('region', { name: 'What is looked at' });
    this.bench = page.getByRole('region', { name: 'Try it' });
    this.request = page.getByRole('group', { name: 'Request' });
  }

  async open(path = ''): Promise<void> {
    await this.page.goto(`${this.origin}/#/federation${path}`);
    await expect(this.page.getByRole('heading', { name: 'Federation' }).or(this.detail).first()).toBeVisible();
  }

  button(name: string): Locator {
    return this.page.getByRole('main').getByRole('button', { name, exact: true });
  }

  /** Adds what the field holds, and waits for the page of the source with that name. */
  async add(text: string, title: string): Promise<void> {
    await this.field.fill(text);
    await this.button('Add').click();
    await this.expectSource(title);
  }

  async expectSource(title: string): Promise<void> {
    await expect(this.detail.getByRole('heading', { name: title, level: 3 })).toBeVisible();
  }

  async enable(): Promise<void> {
    await this.button('Enable').click();
    await expect(this.button('Disable')).toBeVisible();
  }

  async tab(name: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Sides of this source' }).getByRole('link', { name }).click();
  }

  async openOperation(name: string): Promise<void> {
    await this.detail.getByRole('list', { name: 'Operations' }).getByRole('link', { name }).click();
    await expect(this.bench).toBeVisible();
  }
}
