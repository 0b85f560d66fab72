/** The engine's worker as something to await: the messages are those of shared::engine. */
export class Talk {
  #hearers = new Set();
  #job = 0;

  static async open() {
    const talk = new Talk();
    talk.worker = new Worker('/bench/engine-worker.js', { type: 'module' });
    const up = talk.next((event) => event.type === 'bench-up');
    talk.worker.onmessage = ({ data }) => talk.#hearers.forEach((hear) => hear(data));
    talk.worker.onerror = (event) => talk.#hearers.forEach((hear) => hear({ type: 'lost', problem: { title: event.message } }));
    await up;
    return talk;
  }

  /** The first message that fits; a problem that comes before it is thrown. */
  next(fits) {
    return new Promise((found, failed) => {
      const hear = (event) => {
        if (fits(event)) found(event);
        else if (event.problem) failed(new Error(`${event.type}: ${event.problem.title} ${event.problem.advice ?? ''}`));
        else return;
        this.#hearers.delete(hear);
      };
      this.#hearers.add(hear);
    });
  }

  /** Calls `hear` for every message, until the answer is called. */
  every(hear) {
    this.#hearers.add(hear);
    return () => this.#hearers.delete(hear);
  }

  ask(message, type) {
    const answered = this.next((event) => event.type === type);
    this.worker.postMessage(message);
    return answered;
  }

  say(message) {
    this.worker.postMessage(message);
  }

  /** Bytes that wasm has taken. */
  async memory() {
    return (await this.ask({ type: 'bench-memory' }, 'bench-memory')).bytes;
  }

  /** What a request came to: text, answer, and the milliseconds between its parts as the page sees them. */
  async generate(model, request) {
    const job = this.#job++;
    let text = '';
    const began = performance.now();
    let first;
    const stop = this.every((event) => {
      if (event.job !== job || event.type !== 'token') return;
      first ??= performance.now() - began;
      text += event.text;
    });
    const answered = this.next((event) => event.job === job && event.type === 'generated');
    this.worker.postMessage({ type: 'generate', job, model, request });
    const { answer } = await answered;
    stop();
    return { text: text + answer.text, answer, first, whole: performance.now() - began };
  }

  close() {
    this.worker.terminate();
  }
}

/** The longest task of the page's own thread from now on. */
export function watch() {
  let longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  }).observe({ entryTypes: ['longtask'] });
  return () => longest;
}
