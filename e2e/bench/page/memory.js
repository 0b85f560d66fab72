import { Talk } from '/bench/talk.js';

/** Bytes of wasm memory after each of so many turns of one conversation, then after each of so many loads. */
export async function run({ backend, model, turns, loads }) {
  const talk = await Talk.open();
  await talk.ask({ type: 'start', preference: backend }, 'ready');
  const report = { empty: await talk.memory(), turns: [], loads: [], dropped: 0 };
  await talk.ask({ type: 'load', model }, 'loaded');
  const messages = [];
  for (let turn = 0; turn < turns; turn += 1) {
    messages.push({ role: 'user', content: `Say the number ${turn + 1} and one word that begins with ${'abcdefghijklmnopqrstuvwxyz'[turn % 26]}.` });
    let told;
    while (!told) {
      try {
        told = await talk.generate(model, {
          prompt: { kind: 'messages', messages }, max_tokens: 16, sampling: { temperature: 0 }, stop: [],
        });
      } catch (error) {
        if (messages.length < 3) throw error;
        // What there is no room for is left out, oldest first, as the shell does.
        messages.splice(0, 2);
        report.dropped += 1;
      }
    }
    messages.push({ role: 'assistant', content: told.text });
    report.turns.push(await talk.memory());
  }
  const gone = (event) => event.type === 'surveyed' && event.models.every((held) => held.model !== model || !held.loaded_bytes);
  for (let load = 0; load < loads; load += 1) {
    const unloaded = talk.next(gone);
    talk.say({ type: 'unload', model });
    talk.say({ type: 'survey' });
    await unloaded;
    await talk.ask({ type: 'load', model }, 'loaded');
    report.loads.push(await talk.memory());
  }
  talk.close();
  return report;
}
