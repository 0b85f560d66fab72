import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { test as base } from '@playwright/test';

import { Realm, Upstream } from './processes.ts';
import { Shell } from './shell.ts';

type PerWorker = {
  upstream: Upstream;
  /** A realm without weights: the shell routes by words. Shared by the journeys that leave it as they found it. */
  plainRealm: Realm;
  /** A realm with weights. */
  modelRealm: Realm;
};

type PerTest = {
  /** The shell of `plainRealm`. */
  shell: Shell;
  /** Errors of the page: console errors, uncaught exceptions, violations of the content security policy. */
  pageErrors: string[];
};

export const test = base.extend<PerTest, PerWorker>({
  upstream: [async ({}, use) => {
    const upstream = await Upstream.start();
    await use(upstream);
    await upstream.stop();
  }, { scope: 'worker' }],

  plainRealm: [async ({ upstream }, use) => {
    const noModels = mkdtempSync(join(tmpdir(), 'mtor-none-'));
    const realm = await Realm.start(upstream, { models: noModels });
    await use(realm);
    await realm.remove();
    rmSync(noModels, { recursive: true, force: true });
  }, { scope: 'worker' }],

  modelRealm: [async ({ upstream }, use) => {
    const realm = await Realm.start(upstream);
    await realm.vectorsReady();
    await use(realm);
    await realm.remove();
  }, { scope: 'worker' }],

  pageErrors: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await use(errors);
  },

  shell: async ({ page, plainRealm, upstream }, use) => {
    await use(new Shell(page, plainRealm.origin));
    await upstream.clear();
  },
});

export { expect } from '@playwright/test';
