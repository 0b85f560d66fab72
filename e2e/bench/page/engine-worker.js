// The engine's worker, and beside its own messages one that tells how much memory wasm has taken.
let memory;
self.addEventListener('message', (event) => {
  if (event.data?.type !== 'bench-memory') return;
  event.stopImmediatePropagation();
  self.postMessage({ type: 'bench-memory', bytes: memory?.buffer.byteLength ?? 0 });
});
const { default: init } = await import('/engine/engine.js');
({ memory } = await init());
self.postMessage({ type: 'bench-up' });
