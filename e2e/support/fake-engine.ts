import type { Page } from '@playwright/test';

/**
 * Stands behind the worker's seam: the messages of `shared::engine`, answered at once and always alike. For what the
 * real model does not show on demand: a download in the middle, a lost device, Markdown of every kind.
 */
export type FakeEngine = {
  /** Whether the chat model is stored already. */
  stored?: boolean;
  /** What it answers, one after the other; the last one again and again. Each is told in pieces. */
  answers?: string[];
  /** Milliseconds between two pieces. */
  paceMs?: number;
  /** Downloads stop here until they are paused: a share of the whole. */
  downloadStopsAt?: number;
  /** Messages of a conversation above which there is no room. */
  room?: number;
};

export async function fakeEngine(page: Page, fake: FakeEngine = {}): Promise<void> {
  const script = `const fake = ${JSON.stringify(fake)};\n(${worker.toString()})(fake);`;
  await page.route(/engine-worker.*\.js$/, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }));
}

function worker(fake: FakeEngine): void {
  const chat = 'qwen2.5-coder-0.5b-instruct';
  const total = 491400064;
  let stored = fake.stored ? total : 0;
  let loaded = false;
  let answered = 0;
  let paused = false;
  const stopped = new Set<number>();
  const post = (message: object) => (self as unknown as { postMessage(m: object): void }).postMessage(message);
  const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
  const survey = () => post({
    type: 'surveyed',
    models: stored ? [{ model: chat, stored_bytes: stored, is_complete: stored === total, loaded_bytes: loaded ? 560000000 : null }] : [],
    used_bytes: 94000000 + stored,
    quota_bytes: 61000000000,
  });
  const load = async (model: string) => {
    const times = { download_ms: 0, verify_ms: 20, upload_ms: 400, warm_up_ms: 0 };
    if (model !== chat) {
      post({ type: 'load-failed', model, problem: { code: 'not-found', title: 'The realm has no weights of it.', advice: '' } });
      return;
    }
    paused = false;
    while (stored < total) {
      const at = stored / total;
      if (paused) {
        post({ type: 'load-failed', model, problem: { code: 'stopped', title: 'Stopped.', advice: '' } });
        survey();
        return;
      }
      if (!(fake.downloadStopsAt && at >= fake.downloadStopsAt)) stored = Math.min(total, stored + Math.round(total / 20));
      times.download_ms += 40;
      post({ type: 'progress', model, phase: 'download', done_bytes: stored, total_bytes: total, bytes_per_s: 24000000, seconds_left: (total - stored) / 24000000 });
      await sleep(40);
    }
    loaded = true;
    post({ type: 'loaded', model, times, stored: true });
    survey();
  };
  const generate = async ({ job, request }: { job: number; request: { prompt: { messages: unknown[] } } }) => {
    const { length } = request.prompt.messages;
    if (fake.room && length > fake.room) {
      post({ type: 'job-failed', job, problem: { code: 'too-large', title: 'The text is too long.', advice: '' } });
      return;
    }
    const answers = fake.answers ?? ['Here is an answer.'];
    const text = answers[Math.min(answered, answers.length - 1)]!;
    answered += 1;
    post({ type: 'reading', job, done: 24, total: 24 });
    const pieces = text.match(/\s*\S+/g) ?? [];
    let end = 'complete';
    for (const piece of pieces) {
      await sleep(fake.paceMs ?? 5);
      if (stopped.has(job)) { end = 'stopped'; break; }
      if (piece.includes('\u2620')) {
        post({ type: 'lost', problem: { code: 'device-lost', title: 'The GPU was lost.', advice: 'It starts again by itself.', retryable: true } });
        return;
      }
      post({ type: 'token', job, text: piece });
    }
    post({
      type: 'generated',
      job,
      answer: {
        text: '',
        end,
        usage: { prompt_tokens: 24, remembered_tokens: 0, answer_tokens: pieces.length, first_token_ms: 412, rest_ms: 2300, backend: 'cpu' },
      },
    });
  };
  self.onmessage = ({ data }: MessageEvent) => {
    switch (data.type) {
      case 'start':
        post({ type: 'ready', backend: 'cpu', adapter: null, reason: 'This browser offers no GPU, so models run on the CPU.' });
        break;
      case 'load': void load(data.model); break;
      case 'pause': paused = true; break;
      case 'unload': loaded = false; survey(); break;
      case 'evict': stored = 0; loaded = false; survey(); break;
      case 'survey': survey(); break;
      case 'probe': setTimeout(() => post({ type: 'probed', backend: 'cpu', bytes_per_s: 2700000000 }), 300); break;
      case 'generate': void generate(data); break;
      case 'cancel': stopped.add(data.job); break;
    }
  };
}
