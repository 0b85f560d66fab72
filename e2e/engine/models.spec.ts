import { expect, test as base } from '@playwright/test';

import { CHAT } from '../parity/generate.ts';
import { Files, hashOf, present } from '../support/files.ts';

const GEMMA = 'gemma-3-270m';
const EMBEDDER = 'all-minilm-l6-v2';

const test = base.extend<object, { files: Files }>({
  files: [async ({}, use) => {
    const files = await Files.serve();
    await use(files);
    await files.close();
  }, { scope: 'worker' }],
});

test.describe('models in the inference worker', () => {
  test.skip(!present(hashOf(CHAT)) || !present(hashOf(GEMMA)), 'cargo xtask models fetches the weights');
  test.setTimeout(600_000);

  test('an embedder and a chat model serve together, and a job is stopped between tokens', async ({ page, files }) => {
    await page.goto(files.origin);
    const seen = await page.evaluate(async ({ chat, embedder }) => {
      const path = '/bench/talk.js';
      const { Talk } = await import(path);
      const talk = await Talk.open();
      await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
      // Both at once, and a job that waits for its model.
      talk.say({ type: 'load', model: chat });
      talk.say({ type: 'load', model: embedder });
      const early = talk.next((event: { type: string; job?: number }) => event.type === 'embedded' && event.job === 90);
      talk.say({ type: 'embed', job: 90, texts: ['good morning'] });
      await talk.next((event: { type: string; model?: string }) => event.type === 'loaded' && event.model === chat);
      const dimension = (await early).vectors[0].length;
      const { models } = await talk.ask({ type: 'survey' }, 'surveyed');

      const order: string[] = [];
      talk.every((event: { type: string; job?: number }) => {
        order.push(event.type);
        if (order.filter((type) => type === 'token').length === 2 && event.type === 'token') {
          talk.say({ type: 'embed', job: 91, texts: ['between two tokens'] });
        }
        if (event.type === 'embedded') talk.say({ type: 'cancel', job: 0 });
      });
      const { text, answer } = await talk.generate(chat, {
        prompt: { kind: 'messages', messages: [{ role: 'user', content: 'Count from one to fifty in words.' }] },
        max_tokens: 200, sampling: { temperature: 0 }, stop: [],
      });
      talk.close();
      return { dimension, models, order, text, answer };
    }, { chat: CHAT, embedder: EMBEDDER });

    expect(seen.dimension).toBe(384);
    const loaded = seen.models.filter((held: { loaded_bytes: number | null }) => held.loaded_bytes).map((held: { model: string }) => held.model);
    expect(loaded.sort()).toEqual([EMBEDDER, CHAT].sort());
    expect(seen.order.indexOf('embedded')).toBeLessThan(seen.order.lastIndexOf('token') + 2);
    expect(seen.answer.end).toBe('stopped');
    expect(seen.answer.usage.answer_tokens).toBeLessThan(20);
    expect(seen.text.length).toBeGreaterThan(0);
  });

  test('an answer that is held to a schema is an instance of it', async ({ page, files }) => {
    await page.goto(files.origin);
    const { text, end } = await page.evaluate(async (chat) => {
      const path = '/bench/talk.js';
      const { Talk } = await import(path);
      const talk = await Talk.open();
      await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
      await talk.ask({ type: 'load', model: chat }, 'loaded');
      const schema = {
        type: 'object', required: ['city', 'days'], additionalProperties: false,
        properties: { city: { type: 'string', maxLength: 30 }, days: { type: 'integer', minimum: 1, maximum: 16 } },
      };
      const { text, answer } = await talk.generate(chat, {
        prompt: { kind: 'messages', messages: [{ role: 'user', content: 'Weather in Lisbon for 3 days, as arguments in JSON with city and days.' }] },
        max_tokens: 60, sampling: { temperature: 0 }, stop: [], schema,
      });
      talk.close();
      return { text, end: answer.end };
    }, CHAT);
    expect(end).toBe('complete');
    // What the model makes of it is its own business; the form is not.
    const value = JSON.parse(text) as { city: string; days: number };
    expect(Object.keys(value).sort()).toEqual(['city', 'days']);
    expect(typeof value.city).toBe('string');
    expect(value.city.length).toBeLessThanOrEqual(30);
    expect(Number.isInteger(value.days) && value.days >= 1 && value.days <= 16).toBe(true);
  });

  test('a paused load goes on where it stopped, and memory is used again after an unload', async ({ page, files }) => {
    await page.goto(files.origin);
    const seen = await page.evaluate(async (model) => {
      const path = '/bench/talk.js';
      const { Talk } = await import(path);
      const talk = await Talk.open();
      await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
      talk.say({ type: 'load', model });
      await talk.next((event: { type: string; done_bytes?: number }) => event.type === 'progress' && event.done_bytes! > 20e6);
      const failed = new Promise<{ problem: { code: string } }>((found) => talk.every((event: { type: string }) => {
        if (event.type === 'load-failed') found(event as never);
      }));
      talk.say({ type: 'pause', model });
      const { problem } = await failed;
      const half = (await talk.ask({ type: 'survey' }, 'surveyed')).models
        .find((held: { model: string }) => held.model === model);
      const first = talk.next((event: { type: string; phase?: string }) => event.type === 'progress' && event.phase === 'download');
      talk.say({ type: 'load', model });
      const resumed = (await first).done_bytes;
      await talk.next((event: { type: string }) => event.type === 'loaded');
      const taken = [await talk.memory()];
      for (let round = 0; round < 4; round += 1) {
        await talk.ask({ type: 'unload', model }, 'surveyed');
        await talk.ask({ type: 'load', model }, 'loaded');
        taken.push(await talk.memory());
      }
      const unknown = talk.ask({ type: 'load', model: 'nothing' }, 'loaded').catch((error: Error) => error.message);
      const refusal = await unknown;
      await talk.ask({ type: 'evict', model }, 'surveyed');
      const { models } = await talk.ask({ type: 'survey' }, 'surveyed');
      talk.close();
      return { code: problem.code, half, resumed, taken, refusal, models };
    }, GEMMA);
    expect(seen.code).toBe('stopped');
    expect(seen.half.is_complete).toBe(false);
    expect(seen.half.stored_bytes).toBeGreaterThan(20e6);
    expect(seen.resumed).toBeGreaterThanOrEqual(seen.half.stored_bytes);
    // A free list is not the same list each time: a few pages more are not a leak, another model would be.
    expect(Math.max(...seen.taken) - seen.taken[0]!).toBeLessThan(40e6);
    expect(seen.refusal).toContain('nothing');
    expect(seen.models).toEqual([]);
  });

  test('an own file is looked at, kept under its hash, known at the next visit and deleted', async ({ page, files }) => {
    await page.goto(files.origin);
    const first = await page.evaluate(async (sha256) => {
      const path = '/bench/talk.js';
      const { Talk } = await import(path);
      const talk = await Talk.open();
      await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
      talk.say({ type: 'import', job: 1, file: new File(['no model'], 'notes.gguf') });
      const refusal = (await new Promise<{ problem: { title: string; code: string } }>((found) => talk.every((event: { type: string }) => {
        if (event.type === 'job-failed') found(event as never);
      }))).problem;
      // The last byte is another one: a file that the manifest does not know.
      const known = await (await fetch(`/models/sha256/${sha256}`)).blob();
      const blob = new Blob([known.slice(0, known.size - 1), new Uint8Array([7])]);
      const phases = new Set<string>();
      talk.every((event: { type: string; phase?: string }) => {
        if (event.type === 'importing') phases.add(event.phase!);
      });
      talk.say({ type: 'import', job: 2, file: new File([blob], 'my-gemma.gguf') });
      const { model, stored } = await talk.next((event: { type: string }) => event.type === 'imported');
      talk.close();
      return { refusal, phases: [...phases], model, stored };
    }, hashOf(GEMMA));
    expect(first.refusal.code).toBe('unsupported');
    expect(first.refusal.title).toContain('notes.gguf');
    expect(first.phases).toEqual(['verify', 'download']);
    expect(first.stored).toBe(true);
    expect(first.model.id).toBe(`own-${first.model.files[0].sha256.slice(0, 12)}`);

    await page.reload();
    const later = await page.evaluate(async () => {
      const path = '/bench/talk.js';
      const { Talk } = await import(path);
      const talk = await Talk.open();
      await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
      const own = talk.next((event: { type: string }) => event.type === 'own');
      await talk.ask({ type: 'survey' }, 'surveyed');
      const [model] = (await own).models;
      const loaded = await talk.ask({ type: 'load', model: model.id }, 'loaded');
      const { text } = await talk.generate(model.id, { prompt: { kind: 'text', text: 'The capital of France is' }, max_tokens: 4, sampling: { temperature: 0 }, stop: [] });
      const gone = talk.next((event: { type: string; models?: unknown[] }) => event.type === 'own' && event.models!.length === 0);
      talk.say({ type: 'evict', model: model.id });
      await gone;
      const { models } = await talk.ask({ type: 'survey' }, 'surveyed');
      talk.close();
      return { id: model.id, times: loaded.times, text, models };
    });
    expect(later.id).toBe(first.model.id);
    expect(later.times.download_ms).toBe(0);
    expect(later.text.length).toBeGreaterThan(2);
    expect(later.models.filter((held: { model: string }) => held.model === later.id)).toEqual([]);
  });

  test('a second tab waits for the first to give up the memory', async ({ context, files }) => {
    const [one, two] = [await context.newPage(), await context.newPage()];
    const load = async (page: typeof one) => {
      await page.goto(files.origin);
      return page.evaluate(async (model) => {
        const path = '/bench/talk.js';
        const { Talk } = await import(path);
        const talk = await Talk.open();
        (globalThis as Record<string, unknown>).talk = talk;
        const waited: string[] = [];
        talk.every((event: { type: string }) => waited.push(event.type));
        await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
        await talk.ask({ type: 'load', model }, 'loaded');
        return waited.includes('waiting');
      }, GEMMA);
    };
    expect(await load(one)).toBe(false);
    const givenUp = one.evaluate(async () => {
      const { talk } = globalThis as unknown as { talk: { next: (fits: (event: { type: string; models?: { loaded_bytes: number | null }[] }) => boolean) => Promise<unknown> } };
      await talk.next((event) => event.type === 'surveyed' && event.models!.every((held) => held.loaded_bytes === null));
    });
    expect(await load(two)).toBe(true);
    await givenUp;
  });

  test('the probe tells how fast this machine is', async ({ page, files }) => {
    await page.goto(files.origin);
    const speed = await page.evaluate(async () => {
      const path = '/bench/talk.js';
      const { Talk } = await import(path);
      const talk = await Talk.open();
      await talk.ask({ type: 'start', preference: 'cpu' }, 'ready');
      const probed = await talk.ask({ type: 'probe' }, 'probed');
      talk.close();
      return probed;
    });
    expect(speed.backend).toBe('cpu');
    expect(speed.bytes_per_s).toBeGreaterThan(1e6);
  });
});
