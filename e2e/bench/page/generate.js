import { Talk, watch } from '/bench/talk.js';

const TEXT = 'The realm keeps a catalogue of capabilities. Each capability says what it takes and what it gives, '
  + 'how long it usually needs, what it costs and where the data goes. ';

/** About 128 tokens; another beginning each time, so that nothing is remembered. */
const prompt = (round) => `${['One', 'Two', 'Three', 'Four', 'Five'][round % 5]} ${TEXT.repeat(4)}`.slice(0, 640);

/** One round of each engine in turn, over the same file and the same prompts. */
export async function run({ backend, model, sha256, answer, rounds, wllama }) {
  const longest = watch();
  const report = { ours: [], theirs: [] };
  const talk = await Talk.open();
  report.ready = await talk.ask({ type: 'start', preference: backend }, 'ready');
  report.memory = { empty: await talk.memory() };
  let peak = 0;
  const stop = talk.every((event) => {
    if (event.type === 'progress') talk.memory().then((bytes) => { peak = Math.max(peak, bytes); });
  });
  const began = performance.now();
  const loaded = await talk.ask({ type: 'load', model }, 'loaded');
  report.load = { ...loaded.times, whole_ms: performance.now() - began };
  stop();
  // What a load allocates beyond what it keeps would show as memory that was taken and is not in use.
  report.memory.loaded = await talk.memory();
  const { models } = await talk.ask({ type: 'survey' }, 'surveyed');
  report.memory.weights = models.find((held) => held.model === model)?.loaded_bytes;

  let other;
  if (wllama) {
    const { Wllama } = await import('/wllama/index.js');
    other = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { suppressNativeLog: true });
    const began = performance.now();
    const blob = await (await fetch(`/models/sha256/${sha256}`)).blob();
    await other.loadModel([blob], { n_ctx: 1024, n_threads: 1, n_gpu_layers: 0, n_batch: 512 });
    report.their_load_ms = performance.now() - began;
    report.their_threads = other.getNumThreads();
  }
  for (let round = 0; round < rounds; round += 1) {
    const request = {
      prompt: { kind: 'text', text: prompt(round) }, max_tokens: answer, sampling: { temperature: 0 }, stop: [],
    };
    const ours = await talk.generate(model, request);
    report.ours.push({ ...ours.answer.usage, page_first_ms: ours.first, text: ours.text });
    if (other) {
      const began = performance.now();
      let first;
      let text = '';
      let timings;
      const chunks = await other.createCompletion({
        prompt: prompt(round), max_tokens: answer, temperature: 0, stream: true, cache_prompt: false,
      });
      for await (const chunk of chunks) {
        first ??= performance.now() - began;
        text += chunk.choices[0]?.text ?? '';
        timings = chunk.timings ?? timings;
      }
      report.theirs.push({ first_ms: first, whole_ms: performance.now() - began, text, timings });
    }
  }
  report.memory.after = await talk.memory();
  report.longest_ms = longest();
  talk.close();
  await other?.exit();
  return report;
}
