import type { Page } from '@playwright/test';

export type Embedded = { vectors: number[][]; backend: string; elapsed_ms: number };
export type Report = {
  ready: { backend: string; adapter?: string; reason: string };
  loaded: { times: Record<string, number>; stored: boolean };
  jobs: Embedded[];
};

/**
 * Drives the inference worker alone, by the messages of `shared::engine`, on a page of the realm's own origin.
 * Each job is answered before the next is sent.
 */
export async function embed(page: Page, origin: string, preference: string, jobs: string[][]): Promise<Report> {
  await page.goto(origin);
  return page.evaluate(async ({ preference, jobs }) => {
    const path = document.querySelector<HTMLMetaElement>('meta[name="mtor-engine"]')?.content
      ?? '/engine/engine-worker.js';
    const worker = new Worker(path, { type: 'module' });
    // Field names and tags are those of shared::engine.
    type Message = { type: string; problem?: { title: string; advice: string }; [field: string]: unknown };
    const answer = (type: string) => new Promise<Message>((found, failed) => {
      worker.onerror = (event) => failed(new Error(`the worker failed: ${event.message}`));
      worker.onmessage = ({ data }: MessageEvent<Message>) => {
        if (data.type === type) found(data);
        if (data.problem) failed(new Error(`${data.type}: ${data.problem.title} ${data.problem.advice}`));
      };
    });
    const ask = (message: object, type: string) => {
      const answered = answer(type);
      worker.postMessage(message);
      return answered;
    };
    try {
      const ready = await ask({ type: 'start', preference }, 'ready');
      const loaded = await ask({ type: 'load', model: 'all-minilm-l6-v2' }, 'loaded');
      const done = [];
      for (const [job, texts] of jobs.entries()) {
        const { vectors, backend, elapsed_ms } = await ask({ type: 'embed', job, texts }, 'embedded');
        done.push({ vectors: (vectors as ArrayLike<number>[]).map((row) => Array.from(row)), backend, elapsed_ms });
      }
      return { ready, loaded, jobs: done } as unknown as Report;
    } finally {
      worker.terminate();
    }
  }, { preference, jobs });
}

export function cosine(a: number[], b: number[]): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i += 1) {
    dot += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return dot / Math.sqrt(aa * bb);
}
